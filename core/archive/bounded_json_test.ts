import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import { parseJson } from "./bounded_json.ts";

const subject = { what: "The note", code: "damaged.record", maxBytes: 10_000 } as const;
const parse = (text: string) => parseJson(new TextEncoder().encode(text), subject);

Deno.test("parseJson() parses what is within its bounds", () => {
  const value = { text: '"[{\\', list: [1, { deep: [null, true] }], proto: "__proto__" };
  assert.deepEqual(parse(JSON.stringify(value)), value);
  assert.deepEqual(
    parse(`${"[".repeat(32)}${"]".repeat(32)}`),
    JSON.parse(`${"[".repeat(32)}${"]".repeat(32)}`),
  );
});

Deno.test("parseJson() refuses what is not, with the subject's code and name", () => {
  const refused: readonly [text: string, why: RegExp][] = [
    ["[".repeat(33) + "]".repeat(33), /^The note is nested deeper than 32 levels$/],
    [`{"a":`.repeat(5000), /deeper|longer/],
    [`"${"x".repeat(10_000)}"`, /^The note is longer than 10000 bytes$/],
    ["{", /^The note is not JSON$/],
    ["", /^The note is not JSON$/],
    ['{"a":1}{', /^The note is not JSON$/],
    ['{"a":[{"__proto__":{"b":1}}]}', /"__proto__"/],
    ['{"\\u005f_proto__":1}', /"__proto__"/],
  ];
  for (const [text, why] of refused) {
    assert.throws(() => parse(text), (error) => {
      assert.ok(error instanceof VaultraError);
      assert.equal(error.code, "damaged.record");
      assert.match(error.message, why);
      return true;
    });
  }
  assert.throws(() => parseJson(new Uint8Array([0x22, 0xff, 0x22]), subject), /not JSON/);
});
