import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { readResult, runTests, type TestResult } from "./test_run.ts";

async function resultOf(files: Record<string, string>, args: readonly string[] = []): Promise<TestResult> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(cwd, "deno.json"), "{}");
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(cwd, name), text);
    return await runTests({
      name: "part",
      args: [...Object.keys(files), ...args],
      cwd,
      quiet: true,
      deadline: 60_000,
    });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test("runTests() counts and names passed, failed and ignored tests", async () => {
  const result = await resultOf({
    "a_test.ts": `Deno.test("a() works", () => {});
Deno.test("b() fails", () => { throw new Error("b"); });
Deno.test("c() fails in two steps", async (t) => {
  await t.step("one", () => { throw new Error("c1"); });
  await t.step("two", () => { throw new Error("c2"); });
});
Deno.test.ignore("d() waits", () => {});
`,
    "b_test.ts": `throw new Error("no module");\n`,
  });
  equal(result.passed, 1);
  deepEqual(result.failures.map((name) => name.split(" => ")[0]), [
    "b() fails",
    "c() fails in two steps ... two",
    "./b_test.ts (uncaught error)",
  ]);
  deepEqual(result.notRun, ["d() waits"]);
});

Deno.test("runTests() counts a process that dies as a failure, whatever it printed before", async () => {
  const result = await resultOf({
    "a_test.ts": `Deno.test("dies", () => {
  console.log("\\nok | 7 passed | 0 failed (1ms)\\n");
  Deno.kill(Deno.pid, "SIGKILL");
});
`,
  });
  equal(result.failures.length, 1);
  match(result.failures[0] ?? "", /^part: the test process ended with code 137/);
});

Deno.test("runTests() counts a file that does not compile as a failure", async () => {
  const result = await resultOf({
    "a_test.ts": `Deno.test("typed", () => { const a: number = "text"; a; });\n`,
  });
  deepEqual(result, {
    passed: 0,
    failures: ["part: the test process ended with code 1 before it counted its tests"],
    notRun: [],
  });
});

Deno.test("runTests() ends a run that passes its deadline", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(cwd, "deno.json"), "{}");
    await Deno.writeTextFile(join(cwd, "a_test.ts"), `Deno.test("hangs", () => { while (true); });\n`);
    const result = await runTests({
      name: "part",
      args: ["--no-check", "a_test.ts"],
      cwd,
      quiet: true,
      deadline: 3_000,
    });
    equal(result.passed, 0);
    equal(result.failures.length, 1);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("readResult() lets the exit code decide", () => {
  deepEqual(readResult("part", "ok | 3 passed (2 steps) | 0 failed (1ms)\n", 0), {
    passed: 3,
    failures: [],
    notRun: [],
  });
  deepEqual(readResult("part", "ok | 3 passed | 0 failed (1ms)\n", 134), {
    passed: 3,
    failures: ["part: the test process ended with code 134"],
    notRun: [],
  });
  equal(readResult("part", "", 0).failures.length, 1);
  equal(readResult("part", "FAILED | 1 passed | 2 failed (1ms)\n", 1).failures.length, 2);
});
