import t from "tap";
import { Seeded, seedFor } from "../../../hal/sim/seeded.ts";
import { PacketGuard } from "../../../src/compose/packet-guard.ts";

const bytesMax = 1_000;
const seed = seedFor(process.env["SEED"]);

const accepted = (hex: string, from: "broker" | "client" = "broker"): boolean =>
  new PacketGuard(from, bytesMax).accepts(Buffer.from(hex, "hex"));

t.test("what a broker says by the standard comes through", async (t) => {
  for (const [what, hex] of [
    ["CONNACK", "20020000"],
    ["PUBLISH at QoS 0", "3003000161"],
    ["PUBLISH at QoS 0, retained, with a payload", "3105000161ffff"],
    ["PUBLISH at QoS 1", "3205000161000a"],
    ["PUBLISH at QoS 1 again", "3a05000161000a"],
    ["PUBACK", "4002000a"],
    ["SUBACK of two", "9004000a0101"],
    ["UNSUBACK", "b002000a"],
    ["PINGRESP", "d000"],
    ["a length in two bytes where one would do", "308300000161"],
  ] as const) {
    t.ok(accepted(hex), what);
    t.ok(accepted(`d000${hex}d000`), `${what}, among others`);
  }
});

t.test("what would break or fill the codec behind it ends the connection", async (t) => {
  for (const [what, hex] of [
    ["PUBLISH at QoS 1 that ends before its id", "3203000000"],
    ["and with a topic", "3203000161"],
    ["PUBLISH at QoS 1 with half an id", "320400016100"],
    ["PUBLISH at QoS 1 with the id 0", "32050001610000"],
    ["PUBLISH at QoS 2", "3405000161000a"],
    ["PUBLISH at QoS 3", "3605000161000a"],
    ["PUBLISH without a topic", "30020000"],
    ["PUBLISH whose topic is longer than it", "3003000961"],
    ["PUBLISH of nothing", "3000"],
    ["CONNACK that is too long", "2003000000"],
    ["PUBACK of nothing", "4000"],
    ["SUBACK of nothing", "9002000a"],
    ["PUBREC", "5002000a"],
    ["PUBREL", "6202000a"],
    ["PUBCOMP", "7002000a"],
    ["SUBSCRIBE", "8206000a00016101"],
    ["the reserved types", "0000"],
    ["the reserved types", "f000"],
    ["more bytes than are taken", "30e907"],
    ["a length that does not end", "30ffffffff"],
  ] as const) {
    t.notOk(accepted(hex), what);
    t.notOk(accepted(`d000${hex}`), `${what}, after another`);
  }
});

t.test("a client may say what a client says", async (t) => {
  for (const hex of ["100c00044d5154540402003c0000", "8206000a00016101", "c000", "e000"]) {
    t.ok(accepted(hex, "client"), hex);
    t.notOk(accepted(hex, "broker"), hex);
  }
  t.notOk(accepted("9003000a01", "client"));
});

t.test("how the stream is cut changes nothing", async (t) => {
  t.comment(`SEED=${seed}`);
  const random = new Seeded(seed);
  const packets = [
    "20020000",
    "3105000161ffff",
    "3205000161000a",
    "4002000a",
    "d000",
    "3203000161",
  ];
  for (let life = 0; life < 500; life += 1) {
    const count = random.between(1, 8);
    const hex = Array.from({ length: count }, () => random.pick(["d000", ...packets])).join("");
    const bytes = Buffer.from(hex, "hex");
    const whole = new PacketGuard("broker", bytesMax).accepts(bytes);
    const cut = new PacketGuard("broker", bytesMax);
    let isAccepted = true;
    for (let at = 0; at < bytes.length && isAccepted; ) {
      const end = at + random.between(1, 4);
      isAccepted = cut.accepts(bytes.subarray(at, end));
      at = end;
    }
    if (isAccepted !== whole) t.fail(`${hex} is ${whole} as a whole`);
  }
  t.pass();
});
