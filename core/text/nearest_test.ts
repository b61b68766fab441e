import assert from "node:assert/strict";
import { nearest } from "./nearest.ts";

const keys = ["compression", "exclude", "exclude-data", "only", "parallel", "proof", "store", "stores"];

Deno.test("nearest() finds the word behind a slip of the fingers", () => {
  for (
    const [word, meant] of [
      ["compresion", "compression"],
      ["comprssion", "compression"],
      ["paralell", "parallel"],
      ["parallle", "parallel"],
      ["onyl", "only"],
      ["exclude_data", "exclude-data"],
      ["excludeData", "exclude-data"],
      ["Store", "store"],
      ["storess", "stores"],
      ["prof", "proof"],
    ] as const
  ) assert.equal(nearest(word, keys), meant);
});

Deno.test("nearest() counts a swap of neighbours as one slip", () => {
  assert.equal(nearest("oyln", ["only"]), undefined);
  assert.equal(nearest("onyl", ["only"]), "only");
});

Deno.test("nearest() stays silent when nothing is close", () => {
  for (const word of ["banana", "x", "", "a".repeat(100_000)]) assert.equal(nearest(word, keys), undefined);
  assert.equal(nearest("store", []), undefined);
});
