/**
 * Runs all tests of the project on a machine that has nothing but npm:
 *
 *     npx -y deno@2.7.11 run -A tools/test.ts [PATH…] [FLAG…]
 *
 * or `deno task test`. Paths choose test files or folders; from the first flag on, everything goes to `deno test`
 * (`--filter NAME`, `--fail-fast`). What the tests need is brought first (tools/requirements.ts). The last line is
 * `N passed, N failed`, and the exit code is 0 only when nothing failed. With `CI=true`, a requirement that cannot be
 * had and a test that did not run are failures too.
 *
 * This file imports nothing from npm and starts the rest with the machine's certificates (tools/child.ts).
 *
 * @module
 */
import { runTool, say } from "./child.ts";
import { isTest, projectFiles } from "./project_files.ts";
import { type Provision, requirements } from "./requirements.ts";
import { runTests, type TestResult } from "./test_run.ts";

/** No part of the project's tests may take longer than this, in milliseconds. */
const partDeadline = 15 * 60_000;

interface Part {
  readonly name: string;
  readonly args: readonly string[];
}

/** One process for each top-level folder, so that a crash hides as few results as possible. */
async function partsOf(args: readonly string[]): Promise<Part[]> {
  const firstFlag = args.findIndex((arg) => arg.startsWith("-"));
  const paths = firstFlag < 0 ? args : args.slice(0, firstFlag);
  const flags = firstFlag < 0 ? [] : args.slice(firstFlag);
  if (paths.length > 0) return [{ name: paths.join(" "), args: [...paths, ...flags] }];
  const files = (await projectFiles()).filter(isTest);
  const folders = Map.groupBy(files, (file) => file.split("/")[0] ?? file);
  return [...folders].map(([name, tests]) => ({
    name,
    args: [...tests, ...flags],
  }));
}

async function bringRequirements(): Promise<{ provisions: Provision[]; missing: string[] }> {
  const provisions: Provision[] = [];
  const missing: string[] = [];
  for (const requirement of requirements) {
    try {
      provisions.push(await requirement.provide());
    } catch (error) {
      missing.push(`${requirement.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { provisions, missing };
}

function list(title: string, names: readonly string[]): void {
  if (names.length === 0) return;
  say(`\n${title}`);
  for (const name of names) say(`  ${name}`);
}

async function main(): Promise<void> {
  const strict = Deno.env.get("CI") === "true";
  const parts = await partsOf(Deno.args);
  const { provisions, missing } = await bringRequirements();
  list("Missing on this machine; tests that need it will fail:", missing);
  const results: TestResult[] = [];
  try {
    const env = Object.assign({}, ...provisions.map((provision) => provision.environment));
    for (const { name, args } of parts) {
      say(`\n== ${name}`);
      results.push(await runTests({ name, args, env, deadline: partDeadline }));
    }
  } finally {
    for (const provision of provisions.toReversed()) await provision.stop?.();
  }

  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const notRun = results.flatMap((result) => result.notRun);
  const failures = results.flatMap((result) => result.failures);
  if (strict) failures.push(...missing, ...notRun.map((test) => `${test} (did not run)`));
  if (passed === 0 && failures.length === 0) failures.push("No test ran");
  list("Not run:", strict ? [] : notRun);
  list("Failed:", failures);
  say(`\n${passed} passed, ${failures.length} failed`);
  if (failures.length > 0) Deno.exit(1);
}

await runTool(main);
