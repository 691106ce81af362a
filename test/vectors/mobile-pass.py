#!/usr/bin/env python3
"""Vectors of the mobile pass, from its specification alone: src/protocols/mobile-pass/README.md.

Shares no code with the program. The curve is written out here, as in SEC 1 and FIPS 186-5; AES-GCM and
Ed25519 are those of the package `cryptography`, the rest is Python's own.

    python3 test/vectors/mobile-pass.py > test/vectors/mobile-pass.json

gives the same file each time: signatures are those of RFC 6979, and what is drawn at random in earnest
is here a hash of its name. The program's tests read the JSON only.
"""
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# P-256 (SP 800-186, 3.2.1.3)
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(one, other):
    if one is None or other is None:
        return other if one is None else one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) % P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P) % P
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def compressed(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def root_of(x):
    """The y of a point with this x, or None: P % 4 == 3, so a root is a power."""
    square = (x * x * x + A * x + B) % P
    y = pow(square, (P + 1) // 4, P)
    return y if y * y % P == square else None


def decompressed(data):
    assert len(data) == 33 and data[0] in (2, 3)
    x = int.from_bytes(data[1:], "big")
    assert x < P
    y = root_of(x)
    assert y is not None
    return x, y if y & 1 == data[0] & 1 else P - y


def scalar_from(seed):
    assert len(seed) == 48
    return int.from_bytes(seed, "big") % (N - 1) + 1


def rfc6979(scalar, digest):
    key, value = b"\0" * 32, b"\1" * 32
    material = scalar.to_bytes(32, "big") + (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
    for tag in (b"\0", b"\1"):
        key = hmac.digest(key, value + tag + material, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        nonce = int.from_bytes(value, "big")
        if 1 <= nonce < N:
            return nonce
        key = hmac.digest(key, value + b"\0", "sha256")
        value = hmac.digest(key, value, "sha256")


def ecdsa(scalar, message):
    digest = hashlib.sha256(message).digest()
    nonce = rfc6979(scalar, digest)
    r = times(nonce, G)[0] % N
    s = pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * scalar) % N
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def self_test():
    # RFC 6979, A.2.5: P-256 with SHA-256, message "sample".
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    expected = (
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )
    assert ecdsa(scalar, b"sample").hex() == expected
    assert decompressed(compressed(times(scalar, G))) == times(scalar, G)


def hkdf(secret, salt, info, length):
    pseudorandom = hmac.digest(salt, secret, "sha256")
    block, output = b"", b""
    while len(output) < length:
        block = hmac.digest(pseudorandom, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def sha(data):
    return hashlib.sha256(data).digest()


def drawn(name, count):
    return hashlib.shake_256(b"mobile-pass vectors: " + name.encode()).digest(count)


def label(purpose):
    return b"postern/mobile-pass/1\0" + purpose.encode() + b"\0"


def counted(data):
    return bytes([len(data)]) + data


VERSION = b"\x01"
FULL, FAST = 1, 2
PRESENT, ENROL = 1, 2
ANSWERS = {
    "granted": 1,
    "denied": 2,
    "more_needed": 3,
    "enrolled": 4,
    "not_enrolling": 5,
    "try_later": 6,
    "full_needed": 7,
}


def frames_of(message, frame_bytes):
    parts = [message[at : at + frame_bytes - 1] for at in range(0, len(message), frame_bytes - 1)]
    frames = []
    for index, part in enumerate(parts):
        header = 0x40 | (index == 0) << 5 | (index == len(parts) - 1) << 4 | index % 16
        frames.append(bytes([header]) + part)
    return [frame.hex() for frame in frames]


class Reader:
    def __init__(self, site, issued_at, ids):
        self.site, self.controller, self.reader = ids
        controller_key = drawn("controller key", 32)
        self.seed = hkdf(controller_key, b"postern/1", b"mobile", 48)
        self.scalar = scalar_from(self.seed)
        self.point = compressed(times(self.scalar, G))
        self.certificate = self.certify(site, issued_at)
        self.controller_key = controller_key

    def certify(self, site, issued_at):
        body = VERSION + counted(self.site) + counted(self.controller) + self.point
        body += issued_at.to_bytes(8, "big")
        return body + site.sign(label("certificate") + body)

    def hello(self, name):
        ephemeral_seed = drawn(name + ": reader's ephemeral", 48)
        ephemeral = scalar_from(ephemeral_seed)
        body = VERSION + b"\x01" + counted(self.certificate) + counted(self.reader)
        body += drawn(name + ": nonce", 16) + compressed(times(ephemeral, G))
        return ephemeral_seed, ephemeral, body + ecdsa(self.scalar, label("hello") + body)


class Channel:
    def __init__(self, hello, opening, agreed):
        head = label("transcript") + len(hello).to_bytes(2, "big")
        self.transcript = sha(head + hello + opening)
        material = hkdf(agreed, self.transcript, label("keys"), 96)
        self.keys = {"to_reader": material[:32], "to_phone": material[32:64]}
        self.resumption_secret = material[64:]
        self.counts = {"to_reader": 0, "to_phone": 0}

    def seal(self, direction, plain):
        nonce = self.counts[direction].to_bytes(12, "big")
        box = AESGCM(self.keys[direction]).encrypt(nonce, plain, self.transcript)
        self.counts[direction] += 1
        self.transcript = sha(self.transcript + box)
        return box

    def resumption_key(self):
        return hmac.digest(self.resumption_secret, label("resumption") + self.transcript, "sha256")


class Device:
    def __init__(self, name):
        self.seed = drawn(name, 48)
        self.scalar = scalar_from(self.seed)
        self.point = compressed(times(self.scalar, G))
        self.id = sha(self.point)[:16]

    def full(self, channel, action):
        claim = label("full") + channel.transcript + bytes([action]) + self.point
        return bytes([FULL, action]) + self.point + ecdsa(self.scalar, claim)

    def fast(self, channel, key):
        claim = label("fast") + channel.transcript + bytes([PRESENT]) + self.id
        return bytes([FAST, PRESENT]) + self.id + hmac.digest(key, claim, "sha256")


def session(name, reader, device, turns, resumption_key=None):
    """`turns`: what the phone says, what the reader answers, for how many seconds it may resume."""
    reader_seed, reader_ephemeral, hello = reader.hello(name)
    phone_seed = drawn(name + ": phone's ephemeral", 48)
    phone_ephemeral = scalar_from(phone_seed)
    reader_point = times(reader_ephemeral, G)
    opening = VERSION + compressed(times(phone_ephemeral, G))
    agreed = times(phone_ephemeral, reader_point)[0].to_bytes(32, "big")
    assert agreed == times(reader_ephemeral, decompressed(opening[1:]))[0].to_bytes(32, "big")
    channel = Channel(hello, opening, agreed)
    vector = {
        "name": name,
        "readerEphemeralSeed": reader_seed.hex(),
        "phoneEphemeralSeed": phone_seed.hex(),
        "hello": hello.hex(),
        "opening": opening.hex(),
        "agreed": agreed.hex(),
        "transcript": channel.transcript.hex(),
        "keyToReader": channel.keys["to_reader"].hex(),
        "keyToPhone": channel.keys["to_phone"].hex(),
        "resumptionSecret": channel.resumption_secret.hex(),
        "turns": [],
    }
    if resumption_key is not None:
        vector["resumptionKeyBefore"] = resumption_key.hex()
    prefix = opening
    for form, action, answer, seconds in turns:
        plain = (
            device.full(channel, action)
            if form == FULL
            else device.fast(channel, resumption_key)
        )
        message = prefix + channel.seal("to_reader", plain)
        answer_plain = bytes([ANSWERS[answer]]) + seconds.to_bytes(4, "big")
        answer_message = b"\x01" + channel.seal("to_phone", answer_plain)
        vector["turns"].append(
            {
                "form": "full" if form == FULL else "fast",
                "action": "present" if action == PRESENT else "enrol",
                "plain": plain.hex(),
                "message": message.hex(),
                "frames20": frames_of(message, 20),
                "frames182": frames_of(message, 182),
                "answer": answer,
                "resumableForS": seconds,
                "answerPlain": answer_plain.hex(),
                "answerMessage": answer_message.hex(),
                "answerFrames20": frames_of(answer_message, 20),
                "transcriptAfter": channel.transcript.hex(),
            }
        )
        prefix = VERSION
    if turns[-1][2] == "granted":
        vector["resumptionKeyAfter"] = channel.resumption_key().hex()
    return vector


def no_points():
    """33 bytes each that are no compressed point."""
    good = compressed(G)
    x = next(x for x in range(1, 100) if root_of(x) is None)
    return {
        "x that no point has": b"\x02" + x.to_bytes(32, "big"),
        "x not below p": b"\x02" + (P + 5).to_bytes(32, "big"),
        "infinity, padded": bytes(33),
        "an uncompressed point's first byte": b"\x04" + good[1:],
        "a hybrid point's first byte": b"\x06" + good[1:],
        "all ones": b"\xff" * 33,
    }


def main():
    self_test()
    site_seed = drawn("site", 32)
    site = Ed25519PrivateKey.from_private_bytes(site_seed)
    issued_at = 1_780_000_000_123
    day = 24 * 60 * 60
    reader = Reader(site, issued_at, (b"home", b"box-1", b"front"))
    long = b"L" * 64
    longest = Reader(site, issued_at, (long, long, long))
    device = Device("device")
    first = session("full", reader, device, [(FULL, PRESENT, "granted", day)])
    key = bytes.fromhex(first["resumptionKeyAfter"])
    sessions = [
        first,
        session("fast", reader, device, [(FAST, PRESENT, "granted", day - 60)], key),
        session(
            "fast, not known",
            reader,
            device,
            [(FAST, PRESENT, "full_needed", 0), (FULL, PRESENT, "granted", day)],
            key,
        ),
        session("denied", reader, device, [(FULL, PRESENT, "denied", 0)]),
        session("PIN asked for", reader, device, [(FULL, PRESENT, "more_needed", 0)]),
        session("enrolled", reader, device, [(FULL, ENROL, "enrolled", 0)]),
        session("not enrolling", reader, device, [(FULL, ENROL, "not_enrolling", 0)]),
        session("later", reader, device, [(FULL, PRESENT, "try_later", 0)]),
    ]
    vectors = {
        "source": "test/vectors/mobile-pass.py",
        "site": {
            "id": "home",
            "mobileKeySeed": site_seed.hex(),
            "mobileKey": site.public_key().public_bytes_raw().hex(),
        },
        "reader": {
            "controller": "box-1",
            "reader": "front",
            "controllerKey": reader.controller_key.hex(),
            "keySeed": reader.seed.hex(),
            "keyScalar": reader.scalar.to_bytes(32, "big").hex(),
            "key": reader.point.hex(),
            "issuedAt": issued_at,
            "certificate": reader.certificate.hex(),
        },
        "longestCertificate": longest.certificate.hex(),
        "longestHello": longest.hello("longest")[2].hex(),
        "device": {
            "seed": device.seed.hex(),
            "scalar": device.scalar.to_bytes(32, "big").hex(),
            "key": device.point.hex(),
            "credential": "phone:" + device.id.hex(),
        },
        "sessions": sessions,
        "noPoints": {name: data.hex() for name, data in no_points().items()},
        "refusals": {
            "version_unknown": "0001",
            "frame_malformed": "0002",
            "message_malformed": "0003",
            "key_invalid": "0004",
            "not_authentic": "0005",
        },
    }
    print(json.dumps(vectors, indent=1))


main()
