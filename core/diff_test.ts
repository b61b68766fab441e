import assert from "node:assert/strict";
import { FakeDatabase } from "../tests/fakes/fake_database.ts";
import { failure, owner, setUp } from "../tests/fakes/fake_job.ts";
import { collect } from "../tests/fakes/test_archive.ts";
import { backup } from "./backup.ts";
import { archiveKeyOf } from "./catalog/keys.ts";
import type { ProofLevel } from "./database.ts";
import { type Diff, diff, type DiffOptions } from "./diff.ts";
import { once } from "./streams/blocks.ts";

/** Backs up, changes the database, backs up again, and compares. */
async function compare(
  change: (database: FakeDatabase) => void,
  { proof = "content", ...options }: { readonly proof?: ProofLevel } & Partial<DiffOptions> = {},
): Promise<{ found: Diff; told: Record<string, string>; asked: string[]; database: FakeDatabase }> {
  const { memory, database, operation, job } = setUp();
  const take = async () => {
    const record = await backup({ ...job, proof }, owner, operation);
    return { store: memory, key: archiveKeyOf(record), record };
  };
  const first = await take();
  change(database);
  const second = await take();
  const { plugin } = database;
  const found = await diff({
    first,
    second,
    only: [],
    exclude: [],
    target: () => Promise.resolve({ plugin: { plugin, module: "" }, config: {} }),
    ...options,
  }, operation);
  assert.equal(database.open, 0);
  const told = Object.fromEntries(
    found.objects.map(({ name, status, changes }) => [name, [status, ...changes].join(" ")]),
  );
  const asked = database.requests.map(({ output, schemaOnly, names = [] }) =>
    `${output} ${schemaOnly ? "schema" : names.join()}`
  );
  return { found, told, asked, database };
}

const identical = { users: "identical", 'odd "näme"': "identical", empty: "identical" };

Deno.test("diff() compares by the manifests' proofs, and reads no row then", async () => {
  const { told, found, asked } = await compare(() => {});
  assert.deepEqual(told, identical);
  assert.deepEqual(found.totals, {
    identical: 3,
    different: 0,
    "only-first": 0,
    "only-second": 0,
    unknown: 0,
  });
  assert.deepEqual(asked, ["proof schema", "proof schema"]);

  const changed = await compare(({ tables }) => {
    tables.get("users")![7] = "someone else";
    tables.get("empty")!.push("a row");
    tables.delete('odd "näme"');
    tables.set("new", ["x", "y"]);
  });
  assert.deepEqual(changed.told, {
    users: "different content",
    'odd "näme"': "only-first",
    empty: "different rows",
    new: "only-second",
  });
  assert.deepEqual(changed.asked, ["proof schema", "proof schema"]);
  assert.deepEqual(changed.found.objects.map(({ rows }) => rows), [
    [1000, 1000],
    [1, undefined],
    [0, 1],
    [undefined, 2],
  ]);
  assert.deepEqual(changed.found.totals, {
    identical: 0,
    different: 2,
    "only-first": 1,
    "only-second": 1,
    unknown: 0,
  });
});

Deno.test("diff() reads the rows of those objects of which the manifests tell too little", async () => {
  const change = ({ tables }: FakeDatabase) => {
    tables.get("users")![7] = "someone else";
    tables.get("empty")!.push("a row");
  };
  const rows = await compare(change, { proof: "rows" });
  assert.deepEqual(rows.told, {
    users: "different content",
    'odd "näme"': "identical",
    empty: "different rows",
  });
  assert.deepEqual(rows.asked.slice(2), ['proof users,odd "näme"', 'proof users,odd "näme"']);
  const none = await compare(change, { proof: "none" });
  assert.deepEqual(none.told, rows.told);
  assert.deepEqual(none.asked.slice(2), Array(2).fill('proof users,odd "näme",empty'));
  assert.deepEqual(none.found.objects.map((object) => object.rows), [[1000, 1000], [1, 1], [0, 1]]);
  // The order of rows is no difference.
  const order = await compare(({ tables }) => void tables.get("users")!.reverse(), { proof: "rows" });
  assert.deepEqual(order.told, identical);
});

Deno.test("diff() tells definitions that differ, beside rows that do", async () => {
  const { told, found } = await compare(({ tables, definitions }) => {
    definitions.set("users", "table of lines").set("empty", "nothing yet");
    tables.get("users")!.pop();
  });
  assert.deepEqual(told, { ...identical, users: "different definition rows", empty: "different definition" });
  assert.deepEqual(found.objects.map(({ definitions }) => definitions), [
    ["table", "table of lines"],
    undefined,
    ["table", "nothing yet"],
  ]);
});

Deno.test("diff() never calls identical what it could not compare", async () => {
  const { told, found } = await compare(({ unprovable }) => void unprovable.add("users"), { proof: "rows" });
  assert.deepEqual(told, { ...identical, users: "unknown" });
  assert.equal(found.totals.unknown, 1);
});

Deno.test("diff() compares what was chosen, and refuses a choice of nothing", async () => {
  const change = ({ tables }: FakeDatabase) => void tables.get("users")!.pop();
  assert.deepEqual((await compare(change, { exclude: ["users"] })).told, {
    'odd "näme"': "identical",
    empty: "identical",
  });
  assert.deepEqual((await compare(change, { only: ["u*"] })).told, { users: "different rows" });
  assert.equal((await failure(compare(change, { only: ["nothing"] }))).code, "usage.no-such-object");
});

Deno.test("diff() refuses backups of two engines, and tells of a damaged one", async () => {
  const { memory, database, operation, job } = setUp();
  const record = await backup(job, owner, operation);
  const location = { store: memory, key: archiveKeyOf(record), record };
  const other = new FakeDatabase();
  const foreign = { ...other.plugin, name: "other" };
  Object.assign(other, {
    backup: async (...args: Parameters<FakeDatabase["backup"]>) => {
      const source = await database.backup(...args);
      return { ...source, start: { ...source.start, engine: "other" } };
    },
  });
  const second = await backup(
    {
      ...job,
      database: {
        plugin: { plugin: { ...foreign, open: () => Promise.resolve(other) }, module: "" },
        config: {},
      },
    },
    owner,
    operation,
  );
  const target = () => Promise.resolve({ plugin: { plugin: database.plugin, module: "" }, config: {} });
  const options = { only: [], exclude: [], target };
  const engines = diff(
    { first: location, second: { store: memory, key: archiveKeyOf(second), record: second }, ...options },
    operation,
  );
  assert.equal((await failure(engines)).code, "usage.other-engine");
  const bytes = await collect(await memory.get(location.key));
  bytes[1200]! ^= 1;
  await memory.put(location.key, once(bytes));
  const damaged = diff({ first: location, second: location, ...options }, operation);
  assert.equal((await failure(damaged)).family, "damaged");
});
