import { HalError } from "../../src/domain/hal-error.ts";
import type { Gpio, InputLines, InputRequest, OutputLine, OutputRequest } from "../gpio.ts";

interface Route {
  readonly gpio: Gpio;
  /** `ID:` of the expander, or nothing. */
  readonly prefix: string;
}

/**
 * One board of several chips: a line `ID:A0` is `A0` of the expander of that id, and any other name is one
 * of the board's own, which may have colons too. Lines carry the names they were asked for by. Lines of
 * two chips cannot be one request, because nobody could tell the order of their edges: `not_supported`.
 */
export function routeGpio(main: Gpio, expanders: ReadonlyMap<string, Gpio>): Gpio {
  const routeOf = (line: string): Route => {
    const [id = "", ...rest] = line.split(":");
    const gpio = expanders.get(id);
    return gpio === undefined || rest.length === 0
      ? { gpio: main, prefix: "" }
      : { gpio, prefix: `${id}:` };
  };
  return {
    openInputs: (request) => openInputs(request, routeOf),
    openOutput: (request) => openOutput(request, routeOf(request.line)),
    addressOf: (line) => {
      const route = routeOf(line);
      return named(route, () => route.gpio.addressOf?.(line.slice(route.prefix.length)));
    },
  };
}

function openInputs(request: InputRequest, routeOf: (line: string) => Route): InputLines {
  const { lines } = request;
  const routes = lines.map(routeOf);
  const [route] = routes;
  if (route === undefined) throw new HalError("not_supported", "a request needs a line");
  if (routes.some(({ prefix }) => prefix !== route.prefix)) {
    throw new HalError("not_supported", `lines of two chips in one request: ${lines.join(", ")}`);
  }
  const own = lines.map((line) => line.slice(route.prefix.length));
  const opened = named(route, () => route.gpio.openInputs({ ...request, lines: own }));
  if (route.prefix === "") return opened;
  return {
    lines,
    read: (line) => opened.read(line),
    ...(opened.readAll && { readAll: () => opened.readAll?.() ?? [] }),
    listen: (listener) => opened.listen(listener),
    ...(opened.watchLoss && { watchLoss: (listener) => opened.watchLoss?.(listener) }),
    close: () => opened.close(),
  };
}

function openOutput(request: OutputRequest, route: Route): OutputLine {
  const { line } = request;
  const own = line.slice(route.prefix.length);
  const opened = named(route, () => route.gpio.openOutput({ ...request, line: own }));
  if (route.prefix === "") return opened;
  return {
    line,
    drive: (level) => opened.drive(level),
    driven: () => opened.driven(),
    close: () => opened.close(),
  };
}

/** An expander does not know the id by which the profile calls it. */
function named<T>({ prefix }: Route, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (prefix === "" || !(error instanceof HalError)) throw error;
    throw new HalError(error.kind, `${prefix.slice(0, -1)}: ${error.message}`, { cause: error });
  }
}
