import assert from "node:assert/strict";
import { compareObjects, expectedObjects, refuseDifferences } from "./compare.ts";
import { VaultraError } from "./errors.ts";

const pages = { name: "main", kind: "pages", object: 1, proof: "sha256-pages:00" };
const orders = { name: "orders", kind: "table", within: 1, rows: 3 };
/** A table may be called as the file of pages is. */
const main = { name: "main", kind: "table", within: 1, rows: 5 };
const view = { name: "recent", kind: "view", within: 1 };
const all = [pages, orders, main, view];

/** A comparison without a difference, by the figures of its kinds. */
function equal(figures: readonly (readonly [kind: string, compared: number, identical: number])[]) {
  const kinds = figures.map(([kind, compared, identical]) => ({ kind, compared, identical }));
  const sum = (figure: "compared" | "identical") => kinds.reduce((total, of) => total + of[figure], 0);
  return { compared: sum("compared"), identical: sum("identical"), kinds, differences: [] };
}

Deno.test("compareObjects() finds nothing between equals, and counts what it could compare", () => {
  assert.deepEqual(compareObjects(all, all, "content"), equal([["table", 2, 2]]));
  assert.deepEqual(compareObjects(all, all, "rows"), equal([["table", 2, 0]]));
  assert.deepEqual(compareObjects(all, [], "none"), equal([]));
  const { proof: _, ...unproven } = pages;
  assert.deepEqual(compareObjects([unproven, orders], all, "content"), equal([["table", 1, 0]]));
});

Deno.test("compareObjects() counts what has a proof of its own, each kind by itself", () => {
  const proven = { ...orders, proof: "murmur3-sum:00" };
  const mixed = [proven, main, { ...main, name: "main_data", kind: "shadow" }];
  assert.deepEqual(compareObjects(mixed, mixed, "content"), equal([["table", 2, 1], ["shadow", 1, 0]]));
  // A file without any table is an object too
  assert.deepEqual(compareObjects([pages], [pages], "content"), equal([["object", 1, 1]]));
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

Deno.test("expectedObjects() asks of a part only for what was chosen, without the proof of the whole", () => {
  assert.deepEqual(expectedObjects(all, {}), all);
  const chosen = (names: string[]) => compareObjects(expectedObjects(all, {}, names), [main], "content");
  assert.deepEqual(chosen(["main"]), equal([["table", 1, 0]]));
  assert.deepEqual(chosen(["main", "orders"]).differences, ['table "orders" is missing']);
});

Deno.test("expectedObjects() adds what a restore proved of the archive to what the manifest tells", () => {
  const expected = [
    { ...orders, rows: 2, proof: "murmur3-sum:01" },
    { name: "orders_data", kind: "shadow", within: 1, rows: 7, proof: "murmur3-sum:02" },
  ];
  const objects = expectedObjects(all, { expected }, ["orders", "main"]);
  // The archive's content must also be what the manifest counted.
  assert.deepEqual(compareObjects(objects, [...expected, main], "content"), {
    ...equal([["table", 2, 1], ["shadow", 1, 1]]),
    differences: ['table "orders" has 2 rows instead of 3'],
  });
  const changed = [orders, main, { ...expected[1]!, proof: "murmur3-sum:03" }];
  assert.deepEqual(compareObjects(objects, changed, "content").differences, [
    'table "orders" has other content than was backed up',
    'shadow "orders_data" has other content than was backed up',
  ]);
});

Deno.test("refuseDifferences() names what differs, and ends with 15", () => {
  const comparison = (count: number) => ({
    compared: 9,
    identical: 9,
    kinds: [{ kind: "table", compared: 9, identical: 9 }],
    differences: Array.from({ length: count }, (_, index) => `table "${index}" is missing`),
  });
  refuseDifferences("here", comparison(0));
  assert.throws(() => refuseDifferences("here", comparison(7)), (error) => {
    assert.ok(error instanceof VaultraError);
    assert.equal(error.exitCode, 15);
    assert.match(error.message, /^here is not what was backed up: table "0" is missing; .*; and 2 more$/);
    assert.deepEqual(error.details, comparison(7));
    return true;
  });
});
