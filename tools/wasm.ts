/**
 * Compiles the WebAssembly of `core` from its source and writes it as a module of text, which needs no file to be read
 * and no permission where it runs: `deno run -A tools/wasm.ts`.
 *
 * @module
 */
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { projectFolder, runTool, say } from "./child.ts";

const source = "core/proof/row_sum.as";
/** The module that holds the compiled bytes, relative to the project's folder. */
export const wasmModule = "core/proof/row_sum_wasm.ts";

/** Compiles the source. @returns The text of the module that holds it. */
export async function compileWasm(): Promise<string> {
  const text = await Deno.readTextFile(join(projectFolder, source));
  let bytes: Uint8Array | undefined;
  const options = "--runtime stub --noAssert --optimizeLevel 3 --converge --enable simd --use abort=";
  const { error, stderr } = await asc.main(
    [
      "row_sum.ts",
      ...options.split(" "),
      "--initialMemory",
      "2",
      "--maximumMemory",
      "2",
      "--outFile",
      "row_sum.wasm",
    ],
    {
      readFile: (name) => name === "row_sum.ts" ? text : null,
      writeFile: (_name, content) => void (bytes = content as Uint8Array),
      listFiles: () => [],
    },
  );
  if (error !== null || bytes === undefined) {
    throw new Error(`${source}: ${stderr.toString()}`, { cause: error });
  }
  return `/** The WebAssembly that tools/wasm.ts made of row_sum.as, in base64. */
export const rowSumWasm =
  "${bytes.toBase64()}";
`;
}

if (import.meta.main) {
  await runTool(async () => {
    await Deno.writeTextFile(join(projectFolder, wasmModule), await compileWasm());
    say(`Wrote ${wasmModule}`);
  });
}
