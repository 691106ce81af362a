import { fileURLToPath } from "node:url";
import t from "tap";
import { noPostgres, startPostgres } from "./store/postgres-server.ts";
import { serverVariable } from "./store/test-database.ts";

/** Those that ask the store about the most. */
const files = [
  "api/documented-requests.test.ts",
  "api/people.test.ts",
  "api/phone-enrolment.test.ts",
  "api/postern.test.ts",
  "api/seam-client-credentials.test.ts",
  "api/seam-client-entrances.test.ts",
  "api/seam-client-users.test.ts",
];

const fileMaxMs = 180_000;

t.setTimeout(fileMaxMs * files.length);

t.test("the tests of the API, over PostgreSQL", { skip: noPostgres }, async (t) => {
  t.setTimeout(fileMaxMs * files.length);
  const server = await startPostgres(t);
  const env = { ...process.env, [serverVariable]: server.folder, TAP_TIMEOUT: "180" };
  for (const file of files) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const parameters = ["--import=tsx", path];
    await t.spawn(process.execPath, parameters, { env, timeout: fileMaxMs }, file);
  }
});
