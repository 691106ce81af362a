import { Worker } from "node:worker_threads";

/** `module` as it is compiled, .js. From source its .ts is run, as this module's is. */
export function startThread(module: URL, workerData: unknown): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(module, { workerData });
  // A thread does not inherit the loader of `node --import tsx`: it has to be put in first.
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  const source = JSON.stringify(module.href.replace(/\.js$/, ".ts"));
  const bootstrap = `import(${loader}).then((tsx) => { tsx.register(); return import(${source}); })`;
  return new Worker(bootstrap, { eval: true, workerData });
}
