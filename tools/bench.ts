/**
 * Runs a benchmark of the executable, which is built first: `deno task bench sqlite`. Each one runs the peer in the same run
 * and prints ratios.
 *
 * @module
 */
import { join } from "node:path";
import { projectFolder, runDeno, runTool } from "./child.ts";
import { compile } from "./compile.ts";

const folder = join(projectFolder, "tests/bench");

await runTool(async () => {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => name.endsWith("_bench.ts")).map((name) => name.replace("_bench.ts", "")).sort();
  const [name, ...rest] = Deno.args;
  if (name === undefined || !names.includes(name)) throw new Error(`Name a benchmark: ${names.join(", ")}`);
  const binary = Deno.env.get("VAULTRA_TEST_BINARY") ?? await compile();
  const { code } = await runDeno(["run", "-A", join(folder, `${name}_bench.ts`), ...rest], {
    env: { VAULTRA_TEST_BINARY: binary },
  });
  Deno.exit(code);
});
