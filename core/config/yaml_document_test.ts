import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import type { Problem } from "./problems.ts";
import { parseYaml } from "./yaml_document.ts";

/** The problems of a text, each as `line:column message`. */
function problemsOf(text: string): string[] {
  try {
    parseYaml(text, "v.yaml");
  } catch (error) {
    assert.ok(error instanceof VaultraError);
    assert.equal(error.code, "config.invalid");
    return (error.details!["problems"] as Problem[]).map(({ line, column, message }) =>
      `${line}:${column} ${message}`
    );
  }
  return [];
}

Deno.test("parseYaml() gives plain data of the core schema", () => {
  const { value } = parseYaml("a: 1\nb: [x, yes, 1.5, true, null]\nc: {d: 2026-11-24}\n", "v.yaml");
  assert.deepEqual(value, { a: 1, b: ["x", "yes", 1.5, true, null], c: { d: "2026-11-24" } });
  assert.equal(parseYaml("", "v.yaml").value, null);
  assert.equal(parseYaml("# only a comment\n", "v.yaml").value, null);
  assert.deepEqual(parseYaml("\uFEFFa: 1\r\nb: 2\r\n", "v.yaml").value, { a: 1, b: 2 });
});

Deno.test("parseYaml() keeps the place of every key and value", () => {
  const text = [
    "# comment",
    "jobs:",
    "  shop:",
    "    only: [a,",
    "      b]",
    "    limits: { lock-wait: 1s,",
    "      timeout: 2s }",
    "  more: &more",
    "    parallel: 1",
    "  same: *more",
    "  empty:",
  ].join("\n");
  const { locate } = parseYaml(text, "v.yaml");
  const at = (what: "key" | "value", ...path: PropertyKey[]) => {
    const { line, column } = locate(path, what);
    return `${line}:${column}`;
  };
  assert.equal(at("value", "jobs", "shop", "only", 1), "5:7");
  assert.equal(at("key", "jobs", "shop", "limits", "timeout"), "7:7");
  assert.equal(at("value", "jobs", "shop", "limits", "timeout"), "7:16");
  assert.equal(at("key", "jobs", "shop"), "3:3");
  assert.equal(at("value", "jobs", "same", "parallel"), "9:15");
  assert.equal(
    at("key", "jobs", "shop", "database"),
    "3:3",
    "what is missing is told where its mapping begins",
  );
  assert.equal(at("value", "jobs", "empty"), "11:9", "an empty value stands behind its colon");
  assert.equal(at("value", "nothing"), "2:1");
});

Deno.test("parseYaml() reports every error of syntax with line and column", () => {
  const cases: [string, RegExp][] = [
    ["a:\n\tb: 1", /^2:1 is not valid YAML: tabs are not allowed/],
    ["a: 'x", /^1:\d is not valid YAML: missing closing 'quote/],
    ["a: b: c", /^1:4 is not valid YAML: nested mappings/],
    ["a: [1, 2\nb: 3", /^\d:\d is not valid YAML/],
    ['a: "C:\\work"', /^1:\d is not valid YAML: invalid escape sequence \\w/],
    ["a: @x", /^1:4 is not valid YAML: plain value cannot start with reserved/],
    ["a: 1\n---\nb: 2", /^2:1 a second document begins here/],
    ["a: 1\nb: 2\na: 3", /^3:1 the key "a" stands here a second time$/],
    ["x: {b: 1, 'b': 2}", /^1:11 the key "b" stands here a second time$/],
    ["1: x\n'1': y", /^2:1 the key "1" stands here/],
    ["a: !foo 1", /^1:4 /],
    ["a: !!binary aGk=", /^1:13 the tag .*binary" is not known|^1:4 the tag/],
    ["a: !!js/function x", /^1:4 /],
    ["? [a]\n: 1", /^1:3 a key must be one word of text$/],
    ["~: 1", /^1:1 a key must be one word of text$/],
    ["a: *b", /^1:4 nothing before this is called "&b"$/],
    ["a: &x [*x]", /^1:8 "\*x" stands inside the value that it repeats$/],
    ["a: &x {b: {c: *x}}", /^1:15 /],
  ];
  for (const [text, expected] of cases) assert.match(problemsOf(text)[0] ?? "none", expected, text);
});

Deno.test("parseYaml() finds all problems at once", () => {
  assert.deepEqual(problemsOf("a: 1\na: 2\nb: *no\nc: {d: 1, d: 2}").length, 3);
});

Deno.test("parseYaml() refuses keys that would reach a prototype", () => {
  assert.match(
    problemsOf("jobs:\n  __proto__: { polluted: true }")[0]!,
    /^2:3 a key cannot be called "__proto__"$/,
  );
  assert.match(problemsOf('"\\x5f_proto__": 1')[0]!, /^1:1 a key cannot be called/);
  const { value } = parseYaml("constructor: 1\ntoString: 2", "v.yaml");
  assert.deepEqual(Object.keys(value as object), ["constructor", "toString"]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("parseYaml() bounds aliases", () => {
  let laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (let level = 1; level < 12; level++) {
    laughs += `a${level}: &a${level} [${Array(10).fill(`*a${level - 1}`).join(", ")}]\n`;
  }
  const shared = `a: &a { x: 1 }\nb:\n${"- *a\n".repeat(200)}`;
  assert.deepEqual(problemsOf(shared), []);
  assert.match(problemsOf(laughs)[0]!, /^1:1 aliases repeat its values more than 250 times$/);
});

Deno.test("parseYaml() bounds the number of aliases before it looks for their values", () => {
  assert.match(
    problemsOf(`a: &a 1\nb:\n${"- *a\n".repeat(150_000)}`).at(-1)!,
    /^1:1 holds more than 250 aliases$/,
  );
});

Deno.test("parseYaml() bounds nesting", () => {
  const deep = ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000)];
  for (const text of deep) assert.match(problemsOf(text).at(-1)!, /^1:\d+ is nested too deeply$/);
  const indented = Array.from({ length: 1000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
  assert.match(problemsOf(indented)[0]!, /is nested too deeply/);
});

Deno.test("parseYaml() takes many keys without quadratic work", () => {
  const text = Array.from({ length: 60_000 }, (_, index) => `key${index}: v`).join("\n");
  assert.equal(Object.keys(parseYaml(text, "v.yaml").value as object).length, 60_000);
});
