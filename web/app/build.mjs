// Builds the page into internal/page/files, which the server embeds.
//
//   node build.mjs           writes the files
//   node build.mjs --check   fails if what is there is not what would be written
//
// The same sources give the same bytes: versions are pinned, and nothing of time or place
// goes in. Compressed forms are compared by what they hold, for compressors differ.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../internal/page/files");
const check = process.argv.includes("--check");

/** A first visit with gzip: document, script, style, and what the document names besides. */
const firstLoadBytesMax = 100_000;

async function bundle(entry, more = {}) {
  const result = await build({
    entryPoints: [join(here, entry)],
    absWorkingDir: here,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["es2022", "safari16"],
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: { "sarang-client": join(here, "../sdk/src/index.ts") },
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
    ...more,
  });
  return result.outputFiles[0].text;
}

// As internal/page does it.
function hashed(name, text) {
  const digits = createHash("sha256").update(text).digest("hex").slice(0, 10);
  return name.replace(/(\.\w+)$/, `.${digits}$1`);
}

const files = new Map();
files.set("app.js", await bundle("src/main.tsx"));
files.set("app.css", await bundle("src/app.css"));
const names = { "app.js": hashed("app.js", files.get("app.js")), "app.css": hashed("app.css", files.get("app.css")) };
const document = readFileSync(join(here, "src/index.html"), "utf8")
  .replace(/"\/app\.(js|css)"/g, (_, ext) => `"/${names[`app.${ext}`]}"`)
  .replace(/<!--[\s\S]*?-->\s*/g, "");
files.set("index.html", document);
if (existsSync(join(here, "src/sw.ts"))) {
  // The worker's own text changes with the page, so that browsers notice.
  const shell = ["/", `/${names["app.js"]}`, `/${names["app.css"]}`, "/icon.svg", "/manifest.webmanifest"];
  const version = createHash("sha256").update(document).digest("hex").slice(0, 10);
  files.set(
    "sw.js",
    await bundle("src/sw.ts", { format: "iife", define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) } }),
  );
}
files.set("embed.js", await bundle("src/embed.ts", { format: "iife" })); // for pages of others
for (const name of ["icon.svg", "manifest.webmanifest"]) files.set(name, readFileSync(join(here, "src", name), "utf8"));

const forms = [
  [".gz", (b) => gzipSync(b, { level: 9 }), gunzipSync],
  [".br", (b) => brotliCompressSync(b, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: b.length } }), brotliDecompressSync],
];

const wanted = new Set();
const stale = [];

function put(name, body, same) {
  wanted.add(name);
  const path = join(out, name);
  if (existsSync(path) && same(readFileSync(path))) return;
  stale.push(name);
  if (!check) writeFileSync(path, body);
}

mkdirSync(out, { recursive: true });
let firstLoad = 0;
for (const [name, text] of files) {
  const body = Buffer.from(text);
  put(name, body, (old) => old.equals(body));
  const gzipped = gzipSync(body, { level: 9 }).length;
  if (name !== "sw.js" && name !== "embed.js") firstLoad += Math.min(gzipped, body.length);
  console.log(`${name.padEnd(22)} ${String(body.length).padStart(7)} bytes, ${gzipped} with gzip`);
  if (body.length < 1000) continue; // a header costs as much
  for (const [ext, pack, unpack] of forms) {
    put(name + ext, pack(body), (old) => {
      try {
        return unpack(old).equals(body);
      } catch {
        return false;
      }
    });
  }
}
for (const name of readdirSync(out)) {
  if (wanted.has(name)) continue;
  stale.push(name);
  if (!check) rmSync(join(out, name));
}
console.log(`a first visit: ${firstLoad} bytes with gzip, at most ${firstLoadBytesMax}`);
if (firstLoad > firstLoadBytesMax) {
  console.error("the page has become too large");
  process.exit(1);
}
if (check && stale.length > 0) {
  console.error(`internal/page/files is not what web/app gives: ${stale.join(", ")}; run make web-build`);
  process.exit(1);
}
