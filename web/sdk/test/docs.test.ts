// The examples of docs/typescript.md run, and are type-checked.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestServer } from "./rig.ts";

const sdk = fileURLToPath(new URL("../..", import.meta.url));
const work = join(sdk, "build/examples");
let server: TestServer;

before(async () => {
  server = await TestServer.start();
});

after(() => server.kill());

test("the examples of the documentation", () => {
  const page = readFileSync(join(sdk, "../../docs/typescript.md"), "utf8");
  const examples = [...page.matchAll(/<!-- example: (\w+) -->\n```ts\n([\s\S]*?)```/g)];
  const url = `ws://127.0.0.1:${server.port}/ws`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const said: Record<string, string> = {};
  const files = examples.map(([, name, text]) => {
    const file = join(work, `${name}.ts`);
    const source = text!.replace('"ws://127.0.0.1:7780/ws"', "url").replace('"sarang-client"', '"../../src/index.ts"');
    const at = source.lastIndexOf("import ");
    const line = source.indexOf("\n", at) + 1;
    writeFileSync(file, `${source.slice(0, line)}const url = ${JSON.stringify(url)};\n${source.slice(line)}`);
    return file;
  });
  const tsc = spawnSync(
    process.execPath,
    [join(sdk, "../node_modules/typescript/bin/tsc"), "--ignoreConfig", "--strict", "--target", "es2022", "--module", "nodenext", "--rewriteRelativeImportExtensions", "--skipLibCheck",
      "--lib", "es2023,dom", "--rootDir", sdk, "--outDir", join(work, "out"), ...files],
    { encoding: "utf8", cwd: sdk },
  );
  assert.equal(tsc.status, 0, tsc.stdout);
  for (const [, name] of examples) {
    const run = spawnSync(process.execPath, ["--experimental-websocket", "--no-warnings", join(work, `out/build/examples/${name}.js`)], { encoding: "utf8", timeout: 30_000 });
    assert.equal(run.status, 0, run.stderr);
    said[name!] = run.stdout;
  }
  assert.match(said["hello"]!, /^stored as number \d+ of lobby\n$/);
  assert.equal(said["token"], "true\n");
  assert.match(said["view"]!, /Tea at fuor\? \n\d+ Tea at four\? \n\d+ Tea at four\? 🍵1\n/);
  const [two, three] = ["two", "three"].map((t) => said["resume"]!.indexOf(`message ${t}`));
  assert.ok(two! >= 0 && three! > two! && !said["resume"]!.includes("message one"), said["resume"]);
});
