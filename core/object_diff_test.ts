import assert from "node:assert/strict";
import type { Manifest } from "./archive/format.ts";
import type { SourceObject } from "./database.ts";
import { identicalObjects, ObjectPairs } from "./object_diff.ts";

/** A file of pages that holds a table, as a manifest tells them. */
function manifestOf(file: string, table: { readonly rows?: number; readonly proof?: string }): Manifest {
  const objects = [
    { object: 0, kind: "file", name: "shop", proof: file },
    { object: 1, kind: "table", name: "users", within: 0, ...table },
  ];
  return { objects } as unknown as Manifest;
}

const users: SourceObject = { kind: "table", name: "users", object: 1, within: 0, definition: "one" };

Deno.test("identicalObjects() tells only of backups whose holders have equal proofs", () => {
  const one = manifestOf("pages:1", { rows: 3 });
  assert.deepEqual(identicalObjects(one, manifestOf("pages:1", { rows: 3 })), [
    { name: "users", kind: "table", status: "identical", changes: [], rows: [3, 3] },
  ]);
  assert.equal(identicalObjects(one, manifestOf("pages:2", { rows: 3 })), undefined);
  assert.equal(identicalObjects({ ...one, objects: [] }, { ...one, objects: [] }), undefined);
});

Deno.test("ObjectPairs tells what must be read, and compares by what was read", () => {
  const pairs = new ObjectPairs(
    [manifestOf("pages:1", { rows: 3 }), manifestOf("pages:2", { rows: 3 })],
    [[users], [{ ...users, definition: "other" }, { kind: "view", name: "new", definition: "" }]],
  );
  assert.deepEqual(pairs.unread(), ["users"]);
  pairs.compareRead([[{ ...users, rows: 3, proof: "sum:1" }], [{ ...users, rows: 3, proof: "sum:2" }]]);
  assert.deepEqual(pairs.unread(), []);
  assert.deepEqual(pairs.diffs(), [
    {
      name: "users",
      kind: "table",
      status: "different",
      changes: ["definition", "content"],
      rows: [3, 3],
      definitions: ["one", "other"],
    },
    { name: "new", kind: "view", status: "only-second", changes: [], rows: [undefined, undefined] },
  ]);
});

Deno.test("ObjectPairs learns nothing from proofs of different algorithms, and needs no reading where counts differ", () => {
  const compare = (one: Manifest, other: Manifest) => {
    const pairs = new ObjectPairs([one, other], [[users], [users]]);
    const unread = pairs.unread();
    pairs.compareRead([[{ ...users, proof: "sum:1" }], [{ ...users, proof: "hash:1" }]]);
    return [unread.length, ...pairs.diffs().map(({ status, changes }) => [status, ...changes].join(" "))];
  };
  const one = manifestOf("pages:1", { rows: 3, proof: "sum:1" });
  assert.deepEqual(compare(one, manifestOf("pages:2", { rows: 4 })), [0, "different rows"]);
  assert.deepEqual(compare(one, manifestOf("pages:2", { rows: 3, proof: "sum:1" })), [0, "identical"]);
  assert.deepEqual(compare(one, manifestOf("pages:1", { rows: 3 })), [0, "identical"]);
  assert.deepEqual(compare(one, manifestOf("pages:2", { rows: 3, proof: "hash:1" })), [1, "unknown"]);
});
