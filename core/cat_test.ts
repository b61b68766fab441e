import assert from "node:assert/strict";
import { failure, owner, setUp } from "../tests/fakes/fake_job.ts";
import { collect } from "../tests/fakes/test_archive.ts";
import { backup } from "./backup.ts";
import { cat, type RowForm } from "./cat.ts";
import { archiveKeyOf } from "./catalog/keys.ts";
import { VaultraError } from "./errors.ts";

async function prepare() {
  const { memory, database, operation, job } = setUp();
  const record = await backup(job, owner, operation);
  const written: string[] = [];
  const read = async (object: string, form: RowForm = "csv") => {
    await cat({
      origin: { kind: "backup", store: memory, key: archiveKeyOf(record), record },
      object,
      form,
      target: () => Promise.resolve({ plugin: { plugin: database.plugin, module: "" }, config: {} }),
      write: async (rows) => void written.push(new TextDecoder().decode(await collect(rows))),
    }, operation);
    return written.pop();
  };
  return { database, operation, read };
}

Deno.test("cat() writes the rows of one object, whose database stays as it is", async () => {
  const { database, read } = await prepare();
  const before = structuredClone(database.tables);
  assert.equal(await read('odd "näme"'), "one\n");
  assert.equal(await read("empty"), "");
  assert.deepEqual(database.tables, before);
  assert.deepEqual(database.requests.map(({ output, names }) => [output, names]), [
    ["csv", ['odd "näme"']],
    ["csv", ["empty"]],
  ]);
  assert.equal(database.open, 0);
});

Deno.test("cat() refuses what the engine has not, and passes failures on", async () => {
  const { database, read } = await prepare();
  assert.equal((await failure(read("nothing"))).code, "usage.no-such-object");
  assert.equal((await failure(read("users", "json"))).code, "usage.unsupported");
  database.fault = { at: "restore-write", error: new VaultraError("target.disk-full", "Full") };
  assert.equal((await failure(read("users"))).code, "target.disk-full");
  assert.equal(database.open, 0);
});
