import assert from "node:assert/strict";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { commandOf, isHelp, usageError } from "./usage_error.ts";

/** What the parser throws for these arguments. */
function refusal(...args: string[]): CommanderError {
  const root = new Command("vaultra").exitOverride().configureOutput({
    writeOut() {},
    writeErr() {},
    outputError() {},
  });
  root.command("backup").exitOverride().configureOutput({ outputError() {} }).argument("<job>")
    .addOption(new Option("-p, --proof <level>").choices(["none", "rows"]))
    .option("--parallel <n>", "", () => {
      throw new InvalidArgumentError("It must be a whole number from 1 up.");
    }).action(() => {});
  root.command("list").exitOverride().configureOutput({ outputError() {} })
    .addArgument(root.createArgument("[what]").choices(["jobs", "runs"])).action(() => {});
  try {
    root.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error;
    throw error;
  }
  throw new Error("The parser took it");
}

Deno.test("usageError() says what is wrong in one sentence and what to do in another", () => {
  const cases: [string[], string, string][] = [
    [["backpu"], 'Unknown command "backpu"', "Did you mean backup?"],
    [["backup", "--prof", "x"], 'Unknown option "--prof"', "Did you mean --proof?"],
    [["backup", "--zzzzzz"], 'Unknown option "--zzzzzz"', "See: vaultra backup --help"],
    [["backup"], 'Missing required argument "job"', "See: vaultra backup --help"],
    [["backup", "x", "--proof", "much"], '--proof: "much" is not allowed', "Allowed choices are none, rows."],
    [
      ["backup", "x", "--parallel", "'0'"],
      `--parallel: "'0'" is not allowed`,
      "It must be a whole number from 1 up.",
    ],
    [["list", "thi\nngs"], 'what: "thi\\nngs" is not allowed', "Allowed choices are jobs, runs."],
  ];
  for (const [args, message, hint] of cases) {
    const error = usageError(refusal(...args), "backup");
    assert.deepEqual([error.message, error.hint, error.exitCode], [message, hint, 2], args.join(" "));
  }
});

Deno.test("commandOf() names a command with its sub-command", () => {
  const root = new Command("vaultra");
  root.command("key").command("rotate");
  root.command("list");
  assert.equal(commandOf(root, ["--json", "key", "rotate", "list"]), "key rotate");
  assert.equal(commandOf(root, ["list", "key"]), "list");
  assert.equal(commandOf(root, ["key", "--nonsense"]), "key");
  assert.equal(commandOf(root, ["rotate"]), "");
});

Deno.test("isHelp() tells help from errors", () => {
  assert.ok(isHelp(refusal("--help")));
  assert.ok(isHelp(refusal()));
  assert.ok(!isHelp(refusal("backpu")));
});
