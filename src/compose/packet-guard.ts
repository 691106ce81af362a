const lengthBytesMax = 4;

/** Types of MQTT 3.1.1, from 1 (CONNECT) to 14 (DISCONNECT), that each side may send the other. */
const typesFrom = {
  broker: new Set([2, 3, 4, 9, 11, 13]),
  client: new Set([1, 3, 4, 8, 10, 12, 14]),
} as const;
/** Acknowledgements that are no longer than what they acknowledge is named by. */
const exactLengths: ReadonlyMap<number, number> = new Map([
  [2, 2],
  [4, 2],
  [11, 2],
  [12, 0],
  [13, 0],
  [14, 0],
]);
const leastLengths: ReadonlyMap<number, number> = new Map([
  [8, 2],
  [9, 3],
  [10, 2],
]);
const publishType = 3;

/** What stands before a PUBLISH's payload, as far as it is read. */
interface PublishHead {
  readonly hasId: boolean;
  /** The two bytes of the topic's length, the topic, the two bytes of its id: those still to come. */
  lengthLeft: number;
  topicLeft: number;
  idLeft: number;
  topicLength: number;
  id: number;
}

/**
 * Watches the byte stream of an MQTT 3.1.1 connection and tells when something is on its way that no
 * packet of this side may be: the codecs behind it collect up to 256 MB for one packet, keep each QoS 2
 * message until the sender releases it, and throw at a PUBLISH that ends before its id.
 */
export class PacketGuard {
  readonly #from: keyof typeof typesFrom;
  readonly #bytesMax: number;
  #type = 0;
  /** Of the packet under way: bytes of it still to come, once its length is known. */
  #left = 0;
  /** Bytes of the length field seen; undefined before and after a packet's head. */
  #lengthByteCount: number | undefined;
  #length = 0;
  #publish: PublishHead | undefined;

  constructor(from: keyof typeof typesFrom, bytesMax: number) {
    this.#from = from;
    this.#bytesMax = bytesMax;
  }

  /** False: the connection must be ended. What follows is not looked at any more. */
  accepts(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        if (!this.#takeHeadByte(chunk[at] ?? 0)) return false;
        at += 1;
      } else if (this.#publish !== undefined) {
        if (!this.#takePublishByte(this.#publish, chunk[at] ?? 0)) return false;
        at += 1;
      } else {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
      }
    }
    return true;
  }

  #takeHeadByte(byte: number): boolean {
    if (this.#lengthByteCount === undefined) {
      this.#lengthByteCount = 0;
      this.#length = 0;
      return this.#beginPacket(byte);
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthByteCount;
    this.#lengthByteCount += 1;
    if ((byte & 0x80) !== 0) return this.#lengthByteCount < lengthBytesMax;
    this.#left = this.#length;
    this.#lengthByteCount = undefined;
    return this.#length <= this.#bytesMax && this.#hasItsLength();
  }

  #beginPacket(byte: number): boolean {
    this.#type = byte >>> 4;
    this.#publish = undefined;
    if (!typesFrom[this.#from].has(this.#type)) return false;
    if (this.#type !== publishType) return true;
    const qos = (byte >>> 1) & 3;
    const hasId = qos === 1;
    this.#publish = { hasId, lengthLeft: 2, topicLeft: 0, idLeft: 0, topicLength: 0, id: 0 };
    return qos < 2;
  }

  #hasItsLength(): boolean {
    const exact = exactLengths.get(this.#type);
    if (exact !== undefined) return this.#length === exact;
    // A topic has a character at least.
    const least =
      this.#publish === undefined ? leastLengths.get(this.#type) : leastOf(this.#publish);
    return this.#length >= (least ?? 1);
  }

  #takePublishByte(head: PublishHead, byte: number): boolean {
    this.#left -= 1;
    if (head.lengthLeft > 0) {
      head.lengthLeft -= 1;
      head.topicLength = head.topicLength * 256 + byte;
      if (head.lengthLeft > 0) return true;
      head.topicLeft = head.topicLength;
      head.idLeft = head.hasId ? 2 : 0;
      return head.topicLength > 0 && head.topicLength + head.idLeft <= this.#left;
    }
    if (head.topicLeft > 0) head.topicLeft -= 1;
    else {
      head.idLeft -= 1;
      head.id = head.id * 256 + byte;
    }
    if (head.topicLeft > 0 || head.idLeft > 0) return true;
    this.#publish = undefined;
    return !head.hasId || head.id !== 0;
  }
}

function leastOf({ hasId }: PublishHead): number {
  return hasId ? 5 : 3;
}
