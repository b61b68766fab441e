import assert from "node:assert/strict";
import { bytesText, countOf, durationText } from "./units.ts";

Deno.test("durationText() names two units at most", () => {
  const cases = [
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.0 s"],
    [59_940, "59.9 s"],
    [59_960, "1m 0s"],
    [130_000, "2m 10s"],
    [3_599_600, "1h 0m"],
    [3_720_000, "1h 2m"],
    [90_000_000, "25h 0m"],
  ] as const;
  for (const [milliseconds, text] of cases) assert.equal(durationText(milliseconds), text);
});

Deno.test("bytesText() counts in powers of 1024", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 304 * 2 ** 20, 1.25 * 2 ** 30].map(bytesText), [
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "304 MiB",
    "1.25 GiB",
  ]);
});

Deno.test("countOf() agrees with its noun", () => {
  assert.deepEqual([0, 1, 2, 7_600_000].map((count) => countOf(count, "table")), [
    "0 tables",
    "1 table",
    "2 tables",
    "7,600,000 tables",
  ]);
});
