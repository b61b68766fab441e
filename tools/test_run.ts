/**
 * Runs `deno test` in a process of its own and tells what came of it, a crash included.
 *
 * @module
 */
import { runDeno } from "./child.ts";

/** What came of one or more runs of `deno test`. */
export interface TestResult {
  /** How many tests passed. */
  readonly passed: number;
  /** Every failure by name; a process that ended badly counts as one. */
  readonly failures: readonly string[];
  /** Tests that were declared with `ignore` and did not run, by name. */
  readonly notRun: readonly string[];
}

/** Options of {@linkcode runTests}. */
export interface TestRunOptions {
  /** Names the run in failures that belong to no test. */
  readonly name: string;
  /** Arguments for `deno test`: files and flags. */
  readonly args: readonly string[];
  /** Folder to run in; the project's unless set. */
  readonly cwd?: string;
  /** Whether to keep what the tests print to ourselves; it is streamed unless set. */
  readonly quiet?: boolean;
  /** Environment for the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the run is ended and counts as failed. */
  readonly deadline: number;
}

/** Runs `deno test`, streams what it prints, and gives the result. */
export async function runTests(options: TestRunOptions): Promise<TestResult> {
  const { code, output } = await runDeno(["test", "-A", ...options.args], {
    stdout: options.quiet ? "captured" : "both",
    deadline: options.deadline,
    env: { ...options.env, ...(!Deno.stdout.isTerminal() && { NO_COLOR: "1" }) },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  return readResult(options.name, output, code);
}

/**
 * Reads the result of `deno test` from its output and exit code. The exit code decides: whatever the output says, a
 * run that did not end with 0 has at least one failure. Steps are part of their test and not counted.
 */
export function readResult(name: string, output: string, code: number): TestResult {
  // deno-lint-ignore no-control-regex -- the colours are control characters
  const lines = output.replace(/\x1b\[[0-9;]*m/g, "").split(/\r?\n/);
  const summary = lines.map(readSummary).findLast((each) => each !== undefined);
  const failures: string[] = [];
  if (summary === undefined) {
    failures.push(`${name}: the test process ended with code ${code} before it counted its tests`);
  } else {
    if (summary.failed > 0) failures.push(...failedTests(lines));
    while (failures.length < summary.failed) failures.push(`${name}: a failure without a name`);
    if (code !== 0 && failures.length === 0) {
      failures.push(`${name}: the test process ended with code ${code}`);
    }
  }
  const notRun = !summary?.ignored
    ? []
    : lines.flatMap((line) => /^(.*\S) \.\.\. ignored \(.*\)$/.exec(line)?.[1] ?? []);
  return { passed: summary?.passed ?? 0, failures, notRun };
}

/** The list under the last "FAILURES", one name a test: each failed step has a line of its own there. */
function failedTests(lines: readonly string[]): string[] {
  const title = lines.findLastIndex((line) => line.trim() === "FAILURES");
  if (title < 0) return [];
  const start = title + 2;
  const listed = lines.slice(start, lines.indexOf("", start));
  return [...new Map(listed.map((line) => [line.split(" ... ")[0], line])).values()];
}

function readSummary(line: string): { passed: number; failed: number; ignored: number } | undefined {
  const found =
    /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/
      .exec(line);
  return found === null
    ? undefined
    : { passed: Number(found[1]), failed: Number(found[2]), ignored: Number(found[3] ?? 0) };
}
