export type Setting = string | number | boolean;

/** A `controller.toml` for the rig's controller; `settings` are keys as `board.driver`. */
export function controllerFile(settings: Readonly<Record<string, Setting>>): string {
  const all: Record<string, Setting> = {
    id: "rig",
    site: "rig",
    // The guest's clock has nobody who vouches for it, and is not what is tried here.
    clock_quality: "trusted",
    ...settings,
  };
  return Object.entries(all)
    .map(
      ([key, value]) => `${key} = ${typeof value === "string" ? JSON.stringify(value) : value}\n`,
    )
    .join("");
}
