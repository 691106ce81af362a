import t from "tap";
import { isPublicAddress } from "../../../src/compose/public-address.ts";
import { parseWebhookUrl } from "../../../src/site/webhook-url.ts";

const publicOnes = ["8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255"];
const publicToo = ["172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111"];
const local = `0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254
  169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.0.1 198.18.0.1 198.19.255.255
  198.51.100.7 203.0.113.7 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
  :: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1
  2001:db8::1 2002:7f00:1:: 3fff::1 fc00::1 fd12::1 fe80::1 fe80::1%lo fec0::1 ff02::1`;

t.test("addresses that everybody may reach, and those that are ours", async (t) => {
  for (const address of [...publicOnes, ...publicToo]) t.ok(isPublicAddress(address), address);
  for (const address of local.split(/\s+/)) t.notOk(isPublicAddress(address), address);
  for (const text of ["", "localhost", "8.8.8", "0x7f.1"]) t.notOk(isPublicAddress(text), text);
});

t.test(
  "a webhook's URL is for one that everybody may reach, unless the site says otherwise",
  async (t) => {
    const isTaken = (url: string, allowPrivate: boolean) =>
      parseWebhookUrl(url, { allowPrivate, isPublicAddress }).ok;
    for (const url of [
      "https://a.example/x?y=z",
      "https://8.8.8.8:8443/",
      "https://[2606:4700::1]/",
    ]) {
      t.ok(isTaken(url, false), url);
    }
    const never = [
      "",
      "a.example",
      "ftp://a.example",
      "file:///etc/passwd",
      "https://me:you@a.example",
    ];
    for (const url of [
      ...never,
      "https://a.example/#x",
      `https://a.example/${"x".repeat(2_000)}`,
    ]) {
      t.notOk(isTaken(url, true), url);
    }
    for (const url of [
      "http://a.example",
      "https://127.1/",
      "https://[::1]/",
      "https://10.0.0.1",
    ]) {
      t.notOk(isTaken(url, false), url);
      t.ok(isTaken(url, true), url);
    }
  },
);
