/**
 * A module of the compiled program, as it runs at a door and at a site: its threads load no compiler
 * first, and nothing wraps its functions. `npm run bench` compiles before it starts.
 */
export async function compiled<Module>(path: string): Promise<Module> {
  const module: Module = await import(new URL(`../../../dist/${path}.js`, import.meta.url).href);
  return module;
}
