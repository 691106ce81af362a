import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import t from "tap";
import { siteId } from "../../../../src/domain/ids.ts";
import {
  followHandOvers,
  handOversBytesMax,
  handOversMax,
  listHandOvers,
  sealHandOver,
} from "../../../../src/protocols/sync/key-hand-over.ts";
import { decodeCbor, encodeCbor } from "../../../../src/protocols/sync/strict-cbor.ts";
import { flipBit, site } from "./samples.ts";

interface SiteKey {
  readonly signing: KeyObject;
  readonly pem: string;
}

function siteKey(): SiteKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  return { signing: privateKey, pem };
}

/** The message after handing over from each key to the next. */
function chainOf(keys: readonly SiteKey[]): Uint8Array {
  const [first, ...rest] = keys;
  if (first === undefined) throw new Error("no key");
  let from = first;
  let sealed: Uint8Array | undefined;
  for (const to of rest) {
    sealed = sealHandOver({
      site,
      ...(sealed !== undefined && { sealed }),
      from: from.signing,
      to: to.signing,
    });
    from = to;
  }
  if (sealed === undefined) throw new Error("one key is no chain");
  return sealed;
}

const keys = [siteKey(), siteKey(), siteKey(), siteKey()] as const;
const [first, second, third, last] = keys;
const message = chainOf(keys);

function reasonOf(from: SiteKey, sealed: Uint8Array, of = site): string {
  const followed = followHandOvers(of, from.pem, sealed);
  return followed.ok ? "followed" : followed.fault.reason;
}

t.test("whatever key of the site's a controller has, it is led to the newest", async (t) => {
  for (const { pem } of keys) {
    t.same(followHandOvers(site, pem, message), { ok: true, value: { key: last.pem, serial: 3 } });
  }
});

t.test("a key is known however its PEM is written", async (t) => {
  const windows = first.pem.replaceAll("\n", "\r\n");
  t.same(followHandOvers(site, windows, message), {
    ok: true,
    value: { key: last.pem, serial: 3 },
  });
});

t.test("the site reads its own chain", async (t) => {
  t.same(listHandOvers(message), {
    ok: true,
    value: [
      { serial: 1, next: second.pem },
      { serial: 2, next: third.pem },
      { serial: 3, next: last.pem },
    ],
  });
});

t.test("a key that the site never had is led nowhere", async (t) => {
  t.equal(reasonOf(siteKey(), message), "unknown_key");
});

t.test("a chain from before is no way back from a key that it does not name", async (t) => {
  t.equal(reasonOf(third, chainOf([first, second])), "unknown_key");
  t.same(followHandOvers(site, second.pem, chainOf([first, second])), {
    ok: true,
    value: { key: second.pem, serial: 1 },
  });
});

t.test("another site's chain is refused", async (t) => {
  t.equal(reasonOf(first, message, siteId("other")), "altered");
});

/** [the first one's serial, the key before it, [next, given, taken], ...] */
type Packed = readonly [number, Uint8Array, ...(readonly Uint8Array[])[]];

function packedOf(sealed: Uint8Array): Packed {
  const decoded = decodeCbor(sealed.subarray(1));
  if (!decoded.ok) throw new Error(decoded.fault);
  return decoded.value as Packed;
}

const packAgain = (packed: readonly unknown[]): Uint8Array =>
  Buffer.concat([Uint8Array.of(1), encodeCbor(packed)]);

const rawOf = (key: SiteKey): Uint8Array => packedOf(chainOf([key, siteKey()]))[1];

t.test("who has one old key takes no controller that has gone on from it", async (t) => {
  const thief = siteKey();
  const stolen = chainOf([first, thief]);
  t.equal(reasonOf(second, stolen), "unknown_key");
  // The stolen key's hand-over, put before a chain that the controller would know.
  const [serial, before, ...links] = packedOf(message);
  const [toThief] = packedOf(stolen).slice(2);
  t.equal(reasonOf(second, packAgain([serial, before, toThief, ...links.slice(1)])), "unknown_key");
  t.equal(reasonOf(third, packAgain([serial, before, toThief, ...links.slice(1)])), "altered");
});

t.test("nobody gives the key in force another serial", async (t) => {
  const [serial, before, ...links] = packedOf(message);
  t.equal(reasonOf(last, packAgain([serial + 1_000, before, ...links])), "altered");
  const stranger = siteKey();
  const forged = sealHandOver({ site, from: stranger.signing, to: siteKey().signing });
  const [, strangersKey, [, given, taken] = []] = packedOf(forged);
  t.equal(reasonOf(last, packAgain([1_000, strangersKey, [rawOf(last), given, taken]])), "altered");
});

t.test("a key that did not sign that it has taken over is not believed", async (t) => {
  const [serial, before, [next, given] = []] = packedOf(message);
  t.equal(reasonOf(first, packAgain([serial, before, [next, given, given]])), "altered");
  const signed = encodeCbor([1, before, next]);
  const byFirst = new Uint8Array(sign(null, signed, first.signing));
  const bySecond = new Uint8Array(sign(null, signed, second.signing));
  t.equal(reasonOf(first, packAgain([serial, before, [next, byFirst, bySecond]])), "altered");
});

t.test("hand-overs in another order, or with one left out, are refused", async (t) => {
  const [serial, before, one, two, three] = packedOf(message);
  t.equal(reasonOf(first, packAgain([serial, before, two, one, three])), "altered");
  t.equal(reasonOf(first, packAgain([serial, before, one, three])), "altered");
  t.equal(reasonOf(first, packAgain([serial, before, two, three])), "altered");
  t.equal(reasonOf(first, packAgain([serial, before, one, one, two])), "invalid_content");
});

t.test("a chain cut short leads no further than it goes", async (t) => {
  const [serial, before, one] = packedOf(message);
  t.same(followHandOvers(site, first.pem, packAgain([serial, before, one])), {
    ok: true,
    value: { key: second.pem, serial: 1 },
  });
});

t.test("the oldest hand-overs are dropped, and who is known still follows", async (t) => {
  const many = Array.from({ length: handOversMax + 3 }, siteKey);
  const long = chainOf(many);
  t.ok(long.length <= handOversBytesMax, `${long.length} bytes`);
  const newest = { key: many.at(-1)?.pem, serial: handOversMax + 2 };
  for (const at of [2, 3, handOversMax + 2]) {
    const from = many[at];
    t.same(from && followHandOvers(site, from.pem, long), { ok: true, value: newest });
  }
  t.equal(reasonOf(many[1] ?? first, long), "unknown_key");
});

t.test("a site hands over from the key in use only, and never to one that it had", async (t) => {
  const to = siteKey().signing;
  t.throws(() => sealHandOver({ site, sealed: message, from: third.signing, to }));
  t.throws(() => sealHandOver({ site, sealed: Uint8Array.of(1), from: last.signing, to }));
  t.throws(() => sealHandOver({ site, sealed: message, from: last.signing, to: first.signing }));
  t.throws(() => sealHandOver({ site, from: last.signing, to: last.signing }));
});

t.test("what is no chain is refused", async (t) => {
  t.equal(reasonOf(first, new Uint8Array()), "malformed");
  t.equal(reasonOf(first, new Uint8Array(message).fill(2, 0, 1)), "malformed");
  t.equal(reasonOf(first, new Uint8Array(handOversBytesMax + 1)), "too_long");
  const [serial, before, one] = packedOf(message);
  const bodies: readonly unknown[] = [
    [],
    [serial, before],
    [0, before, one],
    [1.5, before, one],
    [serial, before.subarray(1), one],
    [serial, before, [one?.[0], one?.[1]]],
    [serial, before, [...(one ?? []), 1]],
    [serial, before, ["next", "given", "taken"]],
  ];
  for (const body of bodies) {
    const sealed = Buffer.concat([Uint8Array.of(1), encodeCbor(body)]);
    t.equal(reasonOf(first, sealed), "invalid_content", JSON.stringify(body).slice(0, 60));
  }
  t.equal(reasonOf(first, Buffer.concat([Uint8Array.of(1), encodeCbor({})])), "malformed");
});

t.test("a bit flipped anywhere leads no controller astray", async (t) => {
  for (const from of [first, last]) {
    const astray: number[] = [];
    for (let bit = 0; bit < message.length * 8; bit += 1) {
      const followed = followHandOvers(site, from.pem, flipBit(message, bit));
      const isHarmless =
        !followed.ok || (followed.value.key === last.pem && followed.value.serial === 3);
      if (!isHarmless || (from === first && followed.ok)) astray.push(bit);
    }
    t.same(astray, []);
  }
});
