import { Worker } from "node:worker_threads";

/** `name` is that of a module in this folder. Compiled it is .js; from source .ts, as this one is. */
export function startThread(name: string, workerData: unknown): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData });
  }
  // A thread does not inherit the loader of `node --import tsx`: it has to be put in first.
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const module = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href);
  const bootstrap = `import(${loader}).then((tsx) => { tsx.register(); return import(${module}); })`;
  return new Worker(bootstrap, { eval: true, workerData });
}
