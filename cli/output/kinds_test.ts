import assert from "node:assert/strict";
import { kindsText, kindText } from "./kinds.ts";

Deno.test("kindText() counts in words that people use, and in a plugin's own", () => {
  assert.equal(kindText("table", 1), "1 table");
  assert.equal(kindText("index", 2), "2 indexes");
  assert.equal(kindText("shadow", 1200), "1,200 shadow tables");
  assert.equal(kindText("collection", 3), "3 collections");
  assert.equal(kindText("constructor", 1), "1 constructor");
});

Deno.test("kindsText() names tables first, whatever the order", () => {
  const objects = ["collection", "view", "table", "shadow", "table"].map((kind) => ({ kind }));
  assert.equal(kindsText(objects), "2 tables, 1 shadow table, 1 view, 1 collection");
  assert.equal(kindsText([]), "nothing");
});
