// Compiles the package and its tests, and runs these against a real server.
//
//   node test.mjs [FILTER]
//
// The server is the binary that SARANG names, or is built from this repository.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const work = mkdtempSync(join(tmpdir(), "sarang-sdk-"));

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { stdio: "inherit", cwd: here, ...options });
  return status ?? 1;
}

let status = 0;
try {
  let server = process.env.SARANG;
  if (!server) {
    server = join(work, "sarang");
    status ||= run("go", ["build", "-o", server, "./cmd/sarang"], { cwd: join(here, "../..") });
  }
  rmSync(join(here, "build"), { recursive: true, force: true });
  status ||= run("npx", ["tsc", "-p", "tsconfig.test.json"]);
  const tests = readdirSync(join(here, "test")).filter((f) => f.endsWith(".test.ts"));
  const files = tests.map((f) => join("build/test", f.replace(/ts$/, "js")));
  const filter = process.argv[2] ? [`--test-name-pattern=${process.argv[2]}`] : [];
  status ||= run(process.execPath, ["--experimental-websocket", "--disable-warning=ExperimentalWarning", "--test", "--test-concurrency=1", ...filter, ...files], {
    env: { ...process.env, SDK_TEST_SERVER: server, SDK_TEST_WORK: work },
  });
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(status);
