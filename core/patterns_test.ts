import assert from "node:assert/strict";
import { VaultraError } from "./errors.ts";
import { nameAsPattern, parsePattern, Selection } from "./patterns.ts";

const table: [pattern: string, name: string[], matches: boolean][] = [
  ["orders", ["orders"], true],
  ["orders", ["Orders"], false],
  ["orders", ["orders2"], false],
  ["ord*", ["orders"], true],
  ["*", [""], true],
  ["*", ["a\nb"], true],
  ["*", ["a", "b"], false],
  ["a?c", ["abc"], true],
  ["a?c", ["a😀c"], true],
  ["a?c", ["ac"], false],
  ["public.*", ["public", "x.y"], true],
  ["public.*", ["private", "x"], false],
  ['"odd.schema".*', ["odd.schema", "t"], true],
  ['"odd.schema".*', ["odd", "schema"], false],
  ['"a*"', ["a*"], true],
  ['"a*"', ["ab"], false],
  ['"say ""hi"""', ['say "hi"'], true],
  ["a(b)+[c]{d}|^$\\/", ["a(b)+[c]{d}|^$\\/"], true],
  ["a+", ["aa"], false],
];
for (const [pattern, name, matches] of table) {
  Deno.test(`parsePattern() ${pattern} ${matches ? "matches" : "leaves"} ${JSON.stringify(name)}`, () => {
    assert.equal(parsePattern(pattern).matches(name), matches);
  });
}

Deno.test("parsePattern() refuses what is no pattern", () => {
  for (const text of ["", ".", "a.", ".a", "a..b", '"', '"a', 'a"b', '""', '"a"b']) {
    assert.throws(
      () => parsePattern(text),
      (error) => error instanceof VaultraError && error.code === "usage.pattern",
      text,
    );
  }
});

Deno.test("parsePattern() stays fast on hostile patterns", () => {
  assert.equal(parsePattern(`${"*".repeat(500)}b`).matches(["a".repeat(5000)]), false);
});

Deno.test("nameAsPattern() makes patterns that match that name alone", () => {
  for (const name of [["a"], ["a.b", "c"], ['q"', "*"], ["?"], ["ü 1"]]) {
    const pattern = parsePattern(nameAsPattern(name));
    assert.ok(pattern.literal && pattern.matches(name), nameAsPattern(name));
  }
});

Deno.test("Selection includes what only names, less what exclude names", () => {
  const selection = new Selection(["a*", "view"], ["ab*"]);
  assert.ok(selection.includes("aa"));
  assert.ok(!selection.includes("abc"));
  assert.ok(!selection.includes("b"));
  assert.ok(new Selection([], ["b"]).includes("a"));
  assert.ok(selection.names("view"));
  assert.ok(!selection.names("aa"));
});
