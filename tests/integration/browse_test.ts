import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import sqlite from "../../adapters/sqlite/plugin.ts";
import { backup } from "../../core/backup.ts";
import { cat } from "../../core/cat.ts";
import { archiveKeyOf } from "../../core/catalog/keys.ts";
import { diff } from "../../core/diff.ts";
import type { ObjectReader } from "../../core/store.ts";
import { owner, setUp } from "../fakes/fake_job.ts";
import { temporaryFolder } from "../fakes/machine.ts";
import { closing, configOf } from "../fakes/sqlite_kit.ts";
import { collect } from "../fakes/test_archive.ts";

/** A store to read from that counts the bytes it gives. */
function counting(store: ObjectReader): { readonly store: ObjectReader; readonly taken: () => number } {
  let bytes = 0;
  return {
    taken: () => bytes,
    store: new Proxy(store, {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        if (key !== "get") return typeof value === "function" ? value.bind(target) : value;
        return async (...args: Parameters<ObjectReader["get"]>) => {
          const stream = await target.get(...args);
          return async function* () {
            for await (const block of stream) {
              bytes += block.length;
              yield block;
            }
          }();
        };
      },
    }),
  };
}

Deno.test("cat() and diff() of a small table read little of a large archive", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/large.db`;
  const { memory, operation, job } = setUp();
  const database = { plugin: { plugin: sqlite, module: "" }, config: configOf(path) };
  const take = async () => {
    const record = await backup(
      { ...job, database, compression: { name: "none", level: 0 } },
      owner,
      operation,
    );
    const { store, taken } = counting(memory);
    return { location: { store, key: archiveKeyOf(record), record }, taken, size: record.archive.size };
  };
  using connection = closing(new DatabaseSync(path));
  connection.exec(
    `create table small (id integer primary key, v text); insert into small values (1, 'one'), (2, 'two');
    create table large (v blob);
    with recursive n (i) as (select 1 union all select i + 1 from n where i <= 80) insert into large select randomblob(1000000) from n;
    create table late (v); insert into late values ('late')`,
  );
  const first = await take();
  connection.exec("update small set v = 'zwei' where id = 2");
  const second = await take();
  assert.ok(first.size > 80_000_000);

  const target = () =>
    Promise.resolve({ plugin: { plugin: sqlite, module: "" }, config: configOf(`${folder.path}/work`) });
  const read = async (object: string) => {
    let text = "";
    await cat({
      origin: { kind: "backup", ...first.location },
      object,
      form: "csv",
      target,
      write: async (rows) => void (text = new TextDecoder().decode(await collect(rows))),
    }, operation);
    return text;
  };
  // The first part, 16 MiB, holds the schema and the first table, and is read once
  assert.equal(await read("small"), "id,v\r\n1,one\r\n2,two\r\n");
  assert.ok(first.taken() < 18e6, `${first.taken()} of ${first.size}`);
  // The last table is in the last part
  const before = first.taken();
  assert.equal(await read("late"), "v\r\nlate\r\n");
  assert.ok(first.taken() - before < 35e6, `${first.taken() - before} of ${first.size}`);

  const found = await diff({
    first: first.location,
    second: second.location,
    only: ["small"],
    exclude: [],
    target,
  }, operation);
  assert.deepEqual(found.objects.map(({ name, changes }) => [name, ...changes]), [["small", "content"]]);
  assert.ok(second.taken() < 40e6, `${second.taken()} of ${second.size}`);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["large.db"]);
});
