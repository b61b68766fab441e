import assert from "node:assert/strict";
import { countable } from "./countable.ts";

Deno.test("countable() leaves out what only holds others", () => {
  const pages = { name: "main", object: 1, within: undefined };
  const table = { name: "orders", object: undefined, within: 1 };
  const collection = { name: "users", object: 2, within: undefined };
  const view = { name: "recent", object: undefined, within: undefined };
  assert.deepEqual(countable([pages, table, collection, view]), [table, collection, view]);
  assert.deepEqual(countable([pages, collection, view]), [pages, collection, view]);
});
