import assert from "node:assert/strict";
import { compareObjects } from "./compare.ts";

const pages = { name: "main", kind: "pages", object: 1, proof: "sha256-pages:00" };
const orders = { name: "orders", kind: "table", within: 1, rows: 3 };
/** A table may be called as the file of pages is. */
const main = { name: "main", kind: "table", within: 1, rows: 5 };
const view = { name: "recent", kind: "view", within: 1 };
const all = [pages, orders, main, view];

Deno.test("compareObjects() finds nothing between equals, and counts what it could compare", () => {
  assert.deepEqual(compareObjects(all, all, "content"), { compared: 3, content: true, differences: [] });
  assert.deepEqual(compareObjects(all, all, "rows"), { compared: 2, content: false, differences: [] });
  assert.deepEqual(compareObjects(all, [], "none"), { compared: 0, content: false, differences: [] });
});

Deno.test("compareObjects() tells of missing objects, of other rows and of other content", () => {
  const found = [{ ...pages, proof: "sha256-pages:01" }, { ...orders, rows: 2 }];
  assert.deepEqual(compareObjects(all, found, "content").differences, [
    'pages "main" has other content than was backed up',
    'table "orders" has 2 rows instead of 3',
    'table "main" is missing',
  ]);
  const { rows: _, ...uncounted } = orders;
  const { proof: __, ...unproven } = pages;
  assert.deepEqual(compareObjects(all, [unproven, uncounted, main], "content").differences, [
    'pages "main" has other content than was backed up',
    'table "orders" has no rows instead of 3',
  ]);
});

Deno.test("compareObjects() asks of a part only for the rows of what was chosen", () => {
  assert.deepEqual(compareObjects(all, [main], "content", ["main"]), {
    compared: 1,
    content: false,
    differences: [],
  });
  assert.deepEqual(compareObjects(all, [main], "content", ["main", "orders"]), {
    compared: 2,
    content: false,
    differences: ['table "orders" is missing'],
  });
});
