import assert from "node:assert/strict";
import { holdsText, kindText } from "./kinds.ts";

Deno.test("kindText() counts in words that people use, and in a plugin's own", () => {
  assert.equal(kindText("table", 1), "1 table");
  assert.equal(kindText("index", 2), "2 indexes");
  assert.equal(kindText("shadow", 1200), "1,200 shadow tables");
  assert.equal(kindText("collection", 3), "3 collections");
  assert.equal(kindText("constructor", 1), "1 constructor");
});

Deno.test("holdsText() names tables first, whatever the order", () => {
  const kinds = [["collection", 1], ["view", 1], ["table", 2], ["shadow", 1]] as const;
  const counts = kinds.map(([kind, count]) => ({ kind, count }));
  assert.equal(holdsText(counts), "2 tables, 1 shadow table, 1 view, 1 collection");
  assert.equal(holdsText(counts.slice(1, 2), 1200), "1 view, 1,200 rows");
  assert.equal(holdsText([], 0), "0 rows");
});
