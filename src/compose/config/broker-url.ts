export const brokerUrlExpectation = "a broker such as mqtt://127.0.0.1:1883, or mqtts://…";

export function isBrokerUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined &&
    (url.protocol === "mqtt:" || url.protocol === "mqtts:") &&
    url.hostname !== "" &&
    url.port !== "0" &&
    (url.pathname === "" || url.pathname === "/") &&
    url.search === "" &&
    url.hash === ""
  );
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
