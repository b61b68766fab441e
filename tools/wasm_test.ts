import assert from "node:assert/strict";
import { join } from "node:path";
import { projectFolder } from "./child.ts";
import { compileWasm, wasmModule } from "./wasm.ts";

Deno.test("the committed WebAssembly is what its source makes", async () => {
  assert.equal(await compileWasm(), await Deno.readTextFile(join(projectFolder, wasmModule)));
});
