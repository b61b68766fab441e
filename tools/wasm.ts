/**
 * Compiles the WebAssembly of `core` from its source and writes it as a module of text, which needs no file to be read
 * and no permission where it runs: `deno run -A tools/wasm.ts`.
 *
 * The compiler runs as a program of its own, outside of deno.json and deno.lock: `deno compile` packs every package that
 * they name into the executable, and this one is as large as the rest.
 *
 * @module
 */
import { join } from "node:path";
import { projectFolder, runDeno, runTool, say } from "./child.ts";

/** The module that holds the compiled bytes, relative to the project's folder. */
export const wasmModule = "core/proof/row_sum_wasm.ts";

const source = "core/proof/row_sum.as";
const compiler = "npm:assemblyscript@0.28.20/asc";
const options = [
  ...["--runtime", "stub", "--use", "abort=", "--noAssert", "--enable", "simd", "--optimizeLevel", "3"],
  ...["--converge", "--initialMemory", "2", "--maximumMemory", "2"],
];

/**
 * Compiles the source.
 * @returns The text of the module that holds it.
 */
export async function compileWasm(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    // The compiler takes no other ending.
    const [input, output] = [join(folder, "row_sum.ts"), join(folder, "row_sum.wasm")];
    await Deno.copyFile(join(projectFolder, source), input);
    const args = ["run", "-A", "--quiet", "--no-config", "--no-lock", compiler, "row_sum.ts"];
    const { code } = await runDeno([...args, ...options, "--outFile", output], { cwd: folder });
    if (code !== 0) throw new Error(`Cannot compile "${source}": the compiler ended with code ${code}`);
    return `/** The WebAssembly that tools/wasm.ts made of row_sum.as, in base64. */
export const rowSumWasm =
  "${(await Deno.readFile(output)).toBase64()}";
`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  await runTool(async () => {
    await Deno.writeTextFile(join(projectFolder, wasmModule), await compileWasm());
    say(`Wrote ${wasmModule}`);
  });
}
