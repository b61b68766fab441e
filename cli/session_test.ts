import assert from "node:assert/strict";
import { VaultraError } from "../core/errors.ts";
import type { CliContext, Output } from "./context.ts";
import { type GlobalOptions, Session } from "./session.ts";

/** A session, and what it wrote. */
function setUp(options: GlobalOptions, terminal = false) {
  const written = { stdout: "", stderr: "" };
  const output = (name: keyof typeof written): Output => ({
    terminal,
    columns: () => 80,
    text: (text) => void (written[name] += text),
    bytes: () => Promise.resolve(),
  });
  const context = {
    env: {},
    stdout: output("stdout"),
    stderr: output("stderr"),
    monotonic: () => 0,
  } as unknown as CliContext;
  const session = new Session(context, options);
  session.mask((text) => text.replaceAll("1", "***"));
  return { session, written };
}

Deno.test("Session.json() masks secrets and leaves numbers and the JSON whole", () => {
  const { session, written } = setUp({ json: true });
  session.say("not for programs");
  session.json({ type: "result", name: "a1", count: 11, list: ["1"] });
  assert.deepEqual(JSON.parse(written.stdout), { type: "result", name: "a***", count: 11, list: ["***"] });
});

Deno.test("Session.fail() says the sentence and the hint, without a terminal's commands in them", () => {
  const error = new VaultraError("store.denied", "Cannot read \x1b[2J1", { hint: "Do\nthis" });
  const plain = setUp({});
  plain.session.fail(error);
  assert.deepEqual(plain.written, { stdout: "", stderr: "error: Cannot read \\x***b[2J***\n  Do\n  this\n" });
  const json = setUp({ json: true });
  json.session.fail(error);
  assert.equal(JSON.parse(json.written.stdout).exitCode, 11);
  const coloured = setUp({}, true);
  coloured.session.fail(error);
  assert.match(coloured.written.stderr, /^\S+error:/);
  assert.notEqual(coloured.written.stderr.indexOf("\x1b["), -1);
});
