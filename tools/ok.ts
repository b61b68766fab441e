/**
 * Everything that must hold before a commit: `deno task ok`. With `--no-tests`, everything but the tests.
 *
 * @module
 */
import { join } from "node:path";
import { projectFolder, runChild, runDeno, runTool, say } from "./child.ts";
import { denoOfVersion, newestDeno } from "./deno_versions.ts";
import { isTest, projectFiles } from "./project_files.ts";

/** Files of more lines are named: is each still one concept? */
const manyLines = 400;

interface Check {
  readonly name: string;
  /** Resolves to whether it holds; what it prints says why not. */
  readonly holds: () => Promise<boolean>;
}

const checks: readonly Check[] = [
  { name: "format", holds: () => succeeds("fmt", "--check", "--quiet") },
  { name: "lint", holds: () => succeeds("lint", "--quiet") },
  { name: "types", holds: async () => await succeeds("check", "--doc", "--quiet", ...await projectFiles()) },
  { name: `types on Deno ${newestDeno}`, holds: typesOnNewestDeno },
  { name: "documentation", holds: () => succeeds("run", "-A", "tools/documentation.ts") },
  { name: "links", holds: () => succeeds("run", "-A", "tools/links.ts") },
  { name: "layers", holds: () => succeeds("run", "-A", "tools/layers.ts") },
  { name: "file length", holds: fileLength },
];

async function succeeds(...args: string[]): Promise<boolean> {
  return (await runDeno(args)).code === 0;
}

async function typesOnNewestDeno(): Promise<boolean> {
  if (Deno.version.deno === newestDeno) return true;
  const { code } = await runChild(await denoOfVersion(newestDeno), [
    "check",
    "--doc",
    "--quiet",
    "--no-lock",
    ...await projectFiles(),
  ]);
  return code === 0;
}

/** Names long files; a person decides, so it always holds. */
async function fileLength(): Promise<boolean> {
  for (const file of (await projectFiles()).filter((path) => !isTest(path))) {
    const lines = (await Deno.readTextFile(join(projectFolder, file))).split("\n").length - 1;
    if (lines > manyLines) say(`${file} has ${lines} lines`);
  }
  return true;
}

await runTool(async () => {
  const failed: string[] = [];
  for (const { name, holds } of checks) {
    say(`== ${name}`);
    if (!await holds()) failed.push(name);
  }
  const tests = Deno.args.includes("--no-tests") || await succeeds("run", "-A", "tools/test.ts");
  if (failed.length > 0) throw new Error(`Not ok: ${failed.join(", ")}`);
  if (!tests) Deno.exit(1);
});
