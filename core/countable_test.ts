import assert from "node:assert/strict";
import { countable, countKinds } from "./countable.ts";

const pages = { kind: "pages", object: 1, within: undefined };
const table = { kind: "table", object: undefined, within: 1 };
const collection = { kind: "collection", object: 2, within: undefined };
const view = { kind: "view", object: undefined, within: undefined };

Deno.test("countable() leaves out what only holds others", () => {
  assert.deepEqual(countable([pages, table, collection, view]), [table, collection, view]);
  assert.deepEqual(countable([pages, collection, view]), [pages, collection, view]);
});

Deno.test("countKinds() counts what people count", () => {
  assert.deepEqual(countKinds([pages, view, table, table]), [
    { kind: "view", count: 1 },
    { kind: "table", count: 2 },
  ]);
});
