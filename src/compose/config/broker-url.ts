export const brokerUrlExpectation = "a broker such as mqtt://127.0.0.1:1883, or mqtts://…";

/** Undefined where `text` is no URL of a broker that we can speak to, with these credentials. */
export function parseBrokerUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBroker =
    url !== undefined &&
    (url.protocol === "mqtt:" || url.protocol === "mqtts:") &&
    url.hostname !== "" &&
    url.port !== "0" &&
    (url.pathname === "" || url.pathname === "/") &&
    url.search === "" &&
    url.hash === "" &&
    // Each by itself, as they are sent: halves of one escape are whole when put together.
    isPercentEncoded(url.username) &&
    isPercentEncoded(url.password);
  return isBroker ? url : undefined;
}

export function isBrokerUrl(text: string): boolean {
  return parseBrokerUrl(text) !== undefined;
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** For logs and messages: a broker's URL may carry the password to it. */
export function withoutCredentials(text: string): string {
  if (!text.includes("@")) return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Where nobody can say which part is the password, no part is shown.
  if (url === undefined || url.hostname === "") return "a text that is not shown";
  url.username = "";
  url.password = "";
  return url.href;
}

/** The broker that the site of this machine embeds. */
export function loopbackBroker(port: number): string {
  return `mqtt://127.0.0.1:${port}`;
}
