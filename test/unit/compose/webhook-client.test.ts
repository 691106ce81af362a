import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import {
  type AddressInfo,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SimClock } from "../../../hal/sim/sim-clock.ts";
import {
  answerBytesMax,
  attemptMsMax,
  createWebhookClient,
} from "../../../src/compose/webhook-client.ts";
import type { WebhookAnswer } from "../../../src/site/webhook-post.ts";

interface Endpoint {
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
}

/** Listens on loopback for as long as the test lasts. */
async function listen(t: Test, server: SocketServer): Promise<Endpoint> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

const serve = (t: Test, answer: RequestListener) => listen(t, createServer(answer));

function rig(part: { readonly allowPrivate?: boolean; readonly found?: readonly string[] } = {}) {
  const clock = new SimClock();
  const lookedUp: string[] = [];
  const post = createWebhookClient({
    clock,
    allowPrivate: part.allowPrivate ?? true,
    lookUpAll: (name, then) => {
      lookedUp.push(name);
      const found = part.found ?? ["127.0.0.1"];
      setImmediate(() =>
        then(
          null,
          found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
        ),
      );
    },
  });
  const stop = new AbortController();
  const send = (url: string): Promise<WebhookAnswer> =>
    post({ url, headers: { "webhook-id": "1" }, body: '{"a":"ü"}', signal: stop.signal });
  return { clock, send, lookedUp, stop };
}

t.test("an event is posted whole, and the status is what counts", async (t) => {
  let got = "";
  const { port, sockets } = await serve(t, (request, response) => {
    request.setEncoding("utf8");
    got = `${request.method} ${request.url} ${request.headers["webhook-id"]} `;
    request.on("data", (text) => {
      got += text;
    });
    request.on("end", () => response.writeHead(202).end("thank you"));
  });
  const { send, clock, lookedUp } = rig();
  t.same(await send(`http://hook.example:${port}/a?b=c`), { kind: "answered", status: 202 });
  t.equal(got, 'POST /a?b=c 1 {"a":"ü"}');
  t.same(lookedUp, ["hook.example"]);
  t.equal(clock.alarmCount, 0);
  while (sockets.size > 0) await new Promise(setImmediate);
});

t.test("a redirect to this machine is not followed", async (t) => {
  const asked: string[] = [];
  const { port } = await serve(t, (request, response) => {
    asked.push(String(request.url));
    response.writeHead(307, { location: `http://127.0.0.1:${port}/inside` }).end();
  });
  t.same(await rig().send(`http://hook.example:${port}/`), { kind: "answered", status: 307 });
  t.same(asked, ["/"]);
});

t.test("an endpoint that never answers is left after ten seconds", async (t) => {
  const { port, sockets } = await serve(t, () => undefined);
  const { send, clock } = rig();
  const answer = send(`http://hook.example:${port}/`);
  while (sockets.size === 0) await new Promise(setImmediate);
  clock.advance(attemptMsMax - 1);
  await new Promise(setImmediate);
  t.equal(sockets.size, 1);
  clock.advance(1);
  t.same(await answer, { kind: "failed", why: "timed_out" });
  while (sockets.size > 0) await new Promise(setImmediate);
});

t.test("nor is a name waited for longer that nobody looks up", async (t) => {
  const clock = new SimClock();
  const post = createWebhookClient({ clock, allowPrivate: false, lookUpAll: () => undefined });
  const signal = new AbortController().signal;
  const answer = post({ url: "https://hook.example", headers: {}, body: "", signal });
  clock.advance(attemptMsMax);
  t.same(await answer, { kind: "failed", why: "timed_out" });
});

t.test("of an answer without end a little is read, and its status counts", async (t) => {
  let sent = 0;
  const { port, sockets } = await serve(t, (_request, response) => {
    response.writeHead(200);
    const part = "x".repeat(16_384);
    const write = (): void => {
      while (!response.destroyed) {
        sent += part.length;
        if (!response.write(part)) return void response.once("drain", write);
      }
    };
    write();
  });
  t.same(await rig().send(`http://hook.example:${port}/`), { kind: "answered", status: 200 });
  while (sockets.size > 0) await new Promise(setImmediate);
  // What lay in the system's buffers on the way was sent and never read.
  t.ok(sent < 64 * answerBytesMax, `${sent} bytes`);
});

t.test("heads without end, other protocols and cut answers are no answers", async (t) => {
  const talk = (say: (socket: Socket) => void) =>
    listen(
      t,
      createSocketServer((socket) => say(socket)),
    );
  const long = await talk((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    const more = (): void => {
      if (!socket.destroyed) socket.write(`X-A: ${"a".repeat(1_000)}\r\n`, more);
    };
    more();
  });
  t.match(await rig().send(`http://hook.example:${long.port}/`), {
    kind: "failed",
    why: /HPE_HEADER_OVERFLOW|EPIPE|ECONNRESET/,
  });
  const ssh = await talk((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
  t.match(await rig().send(`http://hook.example:${ssh.port}/`), { kind: "failed", why: /HPE_/ });
  const gone = await talk((socket) => socket.destroy());
  t.match(await rig().send(`http://hook.example:${gone.port}/`), {
    kind: "failed",
    why: /ECONNRESET|EPIPE|disconnected/,
  });
});

t.test("a name that leads inside is not connected to, whatever else it leads to", async (t) => {
  const { port, sockets } = await serve(t, (_request, response) => response.end());
  const inside = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"];
  for (const address of inside) {
    const { send, lookedUp } = rig({ allowPrivate: false, found: [address] });
    const answer = await send(`https://hook.example:${port}/`);
    t.same(answer, { kind: "failed", why: "address_not_allowed" }, address);
    t.same(lookedUp, ["hook.example"]);
  }
  const literals = ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "192.168.1.1"];
  for (const host of literals) {
    const { send, lookedUp } = rig({ allowPrivate: false });
    const answer = await send(`https://${host}:${port}/`);
    t.same(answer, { kind: "failed", why: "address_not_allowed" }, host);
    t.same(lookedUp, [], "nothing is looked up, nothing connected");
  }
  const plain = await rig({ allowPrivate: false }).send(`http://hook.example:${port}/`);
  t.match(plain, { kind: "failed" }, "nor without TLS");
  t.equal(sockets.size, 0);
});

t.test("of several addresses those are tried that are allowed", async (t) => {
  // 203.0.113.1 is for documents: nobody has it, and no packet leaves for it.
  const { send } = rig({ allowPrivate: false, found: ["127.0.0.1", "203.0.113.1"] });
  t.same(await send("https://hook.example/"), { kind: "failed", why: "address_not_allowed" });
});

t.test("an endpoint that cannot say who it is gets nothing", async (t) => {
  const plain = await serve(t, (_request, response) => response.end());
  t.match(await rig().send(`https://hook.example:${plain.port}/`), { kind: "failed" });
  let heard = "";
  const secure = await listen(
    t,
    createSecureServer(selfSigned(t), (request, response) => {
      heard += request.url ?? "";
      response.end();
    }),
  );
  t.match(await rig().send(`https://hook.example:${secure.port}/`), {
    kind: "failed",
    why: /SELF_SIGNED/,
  });
  t.equal(heard, "");
});

t.test("a site that stops waits for no endpoint", async (t) => {
  const { port, sockets } = await serve(t, () => undefined);
  const { send, stop, clock } = rig();
  const answer = send(`http://hook.example:${port}/`);
  while (sockets.size === 0) await new Promise(setImmediate);
  stop.abort();
  t.same(await answer, { kind: "failed", why: "stopped" });
  t.same(await send(`http://hook.example:${port}/`), { kind: "failed", why: "stopped" });
  t.equal(clock.alarmCount, 0);
});

function selfSigned(t: Test): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "postern-tls-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
  const subject = ["-subj", "/CN=hook.example", "-keyout", key, "-out", cert];
  execFileSync("openssl", [...words.split(" "), ...subject], { stdio: "pipe" });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
