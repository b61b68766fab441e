import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { ProofLevel } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import {
  backUp,
  configOf,
  context,
  type MemoryArchive,
  restore,
  restoreRequest,
} from "../../tests/fakes/sqlite_kit.ts";
import plugin from "./plugin.ts";
import { LockFile } from "./lock_file.ts";

const failed = (code: string, words = /./) => (error: unknown) =>
  error instanceof VaultraError && error.code === code && words.test(error.message) &&
  error.hint !== undefined;

/** A sample's archive, and the paths of sample and target. */
async function scene(folder: string) {
  const [source, target] = [`${folder}/source.db`, `${folder}/target.db`];
  buildSample(source);
  return { source, target, archive: await backUp(source, { partBytes: 256 << 10 }) };
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

Deno.test("FileRestore never writes over a file, also not one that appears meanwhile", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  Deno.writeTextFileSync(target, "mine");
  await assert.rejects(restore(archive, target), failed("target.exists"));
  Deno.removeSync(target);
  {
    await using adapter = await plugin.open(configOf(target), context());
    await using restoring = await adapter.restore(restoreRequest(archive));
    assert.deepEqual((await restoring.plan()).conflicts, []);
    for (const entry of archive.entries) await restoring.write(entry);
    Deno.writeTextFileSync(target, "mine");
    await assert.rejects(restoring.commit(), failed("target.exists"));
  }
  assert.equal(Deno.readTextFileSync(target), "mine");
  assert.deepEqual(names(folder.path), ["source.db", "target.db"]);
});

Deno.test("FileRestore refuses a log that is left of a database that is gone", async () => {
  using folder = temporaryFolder();
  const { source, target, archive } = await scene(folder.path);
  Deno.writeTextFileSync(`${target}-wal`, "old");
  await assert.rejects(restore(archive, target), failed("target.exists", /-wal/));
  await restore(archive, target, { ifExists: "replace" });
  run("cmp", source, target);
  assert.deepEqual(names(folder.path), ["source.db", "target.db"]);
});

Deno.test("FileRestore replaces a database, its log and journal", async () => {
  using folder = temporaryFolder();
  const { source, target, archive } = await scene(folder.path);
  const program = `import sqlite3,os,sys
db=sqlite3.connect(sys.argv[1],isolation_level=None); db.execute("pragma journal_mode=wal"); db.execute("create table old (v)")
db.execute("insert into old values (zeroblob(100000))"); os.kill(os.getpid(),9)`;
  assert.ok(!new Deno.Command("python3", { args: ["-c", program, target] }).outputSync().success);
  assert.ok(Deno.statSync(`${target}-wal`).size > 100_000);
  await restore(archive, target, { ifExists: "replace" });
  run("cmp", source, target);
  assert.deepEqual(names(folder.path), ["source.db", "target.db"]);
});

Deno.test("FileRestore replaces a file that is no database, and one that a link leads to", async () => {
  using folder = temporaryFolder();
  const { source, target, archive } = await scene(folder.path);
  Deno.writeTextFileSync(target, "this is no database".repeat(100));
  Deno.symlinkSync(target, `${folder.path}/link.db`);
  await restore(archive, `${folder.path}/link.db`, { ifExists: "replace" });
  assert.ok(Deno.lstatSync(`${folder.path}/link.db`).isSymlink);
  run("cmp", source, target);
});

Deno.test("FileRestore keeps the mode and owner of a database that it replaces", async () => {
  using folder = temporaryFolder();
  const { source, target, archive } = await scene(folder.path);
  buildSample(target, { rows: 3 });
  Deno.chmodSync(target, 0o640);
  if (Deno.uid() === 0) Deno.chownSync(target, 1234, 1235);
  const before = Deno.statSync(target);
  await restore(archive, target, { ifExists: "replace" });
  run("cmp", source, target);
  const after = Deno.statSync(target);
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
});

Deno.test("FileRestore touches nothing of a target that it cannot lock", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  Deno.mkdirSync(target);
  Deno.writeTextFileSync(`${target}-wal`, "not ours");
  await assert.rejects(
    restore(archive, target, { ifExists: "replace" }),
    (error) => error instanceof VaultraError && error.family === "target",
  );
  assert.deepEqual(names(folder.path), ["source.db", "target.db", "target.db-wal"]);
});

Deno.test("FileRestore leaves a database alone that another program uses", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  buildSample(target, { rows: 5, journalMode: "wal" });
  const other = new DatabaseSync(target);
  other.prepare("select count(*) from orders").get();
  await assert.rejects(restore(archive, target, { ifExists: "replace" }), failed("target.in-use"));
  assert.equal(other.prepare("select count(*) as n from orders").get()?.n, 5);
  other.close();
});

Deno.test("FileRestore lets one restore at a time work on a target, and clears up after a dead one", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  Deno.writeTextFileSync(`${target}.vaultra-restore`, "left by a dead run");
  Deno.writeTextFileSync(`${target}.vaultra-lock`, "");
  {
    using _held = LockFile.take(`${target}.vaultra-lock`, "target.in-use", "It");
    await assert.rejects(restore(archive, target), failed("target.in-use"));
  }
  Deno.writeTextFileSync(`${target}.vaultra-lock`, "");
  await restore(archive, target);
  assert.deepEqual(names(folder.path), ["source.db", "target.db"]);
});

Deno.test("FileRestore killed in the middle leaves the target as it was", async () => {
  using folder = temporaryFolder();
  const { source, target, archive } = await scene(folder.path);
  buildSample(target, { rows: 7 });
  const before = Deno.readFileSync(target);
  const program = `
    import { backUp, configOf, context, restoreRequest } from ${
    JSON.stringify(import.meta.resolve("../../tests/fakes/sqlite_kit.ts"))
  };
    import plugin from ${JSON.stringify(import.meta.resolve("./plugin.ts"))};
    const [source, target] = Deno.args;
    const archive = await backUp(source);
    const adapter = await plugin.open(configOf(target), context());
    const restoring = await adapter.restore(restoreRequest(archive, { ifExists: "replace" }));
    for (const entry of archive.entries) await restoring.write(entry);
    Deno.kill(Deno.pid, "SIGKILL");`;
  Deno.writeTextFileSync(`${folder.path}/kill.ts`, program);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", "--config", config, `${folder.path}/kill.ts`, source, target];
  const { signal, stderr } = new Deno.Command(Deno.execPath(), { args, stderr: "piped" }).outputSync();
  assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr));
  assert.deepEqual(Deno.readFileSync(target), before);
  assert.ok(names(folder.path).includes("target.db.vaultra-restore"));
  await restore(archive, target, { ifExists: "replace" });
  run("cmp", source, target);
  assert.deepEqual(names(folder.path), ["kill.ts", "source.db", "target.db"]);
});

const tamperings = {
  loses: ["delete from orders where id = 500", "rows"],
  doubles: ["insert into orders select 5000, customer, note, amount from orders where id = 500", "rows"],
  changes: ["update orders set note = upper(note) || '!' where id = 500", "content"],
} as const;

for (const [how, [statement, least]] of Object.entries(tamperings)) {
  Deno.test(`FileRestore keeps what stands in its place when the copy ${how} a row`, async () => {
    using folder = temporaryFolder();
    const { target, archive } = await scene(folder.path);
    buildSample(target, { rows: 7 });
    const before = Deno.readFileSync(target);
    const commit = async (proof: ProofLevel) => {
      await using adapter = await plugin.open(configOf(target), context());
      await using restoring = await adapter.restore(restoreRequest(archive, { proof, ifExists: "replace" }));
      for (const entry of archive.entries) await restoring.write(entry);
      run("sqlite3", `${target}.vaultra-restore`, "pragma journal_mode = off", statement);
      await restoring.commit();
    };
    await assert.rejects(commit("content"), failed("different.restored", /pages "main" has other content/));
    if (least === "rows") {
      await assert.rejects(
        commit("rows"),
        failed("different.restored", /table "orders" has \d+ rows instead of 1000/),
      );
    }
    assert.deepEqual(Deno.readFileSync(target), before);
    assert.deepEqual(names(folder.path), ["source.db", "target.db"]);
    await commit("none");
    assert.notDeepEqual(Deno.readFileSync(target), before);
  });
}

Deno.test("FileRestore disposed of without a commit leaves nothing", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  {
    await using adapter = await plugin.open(configOf(target), context());
    await using restoring = await adapter.restore(restoreRequest(archive));
    for (const entry of archive.entries) await restoring.write(entry);
  }
  assert.deepEqual(names(folder.path), ["source.db"]);
});

Deno.test("FileRestore names a missing folder", async () => {
  using folder = temporaryFolder();
  const { archive } = await scene(folder.path);
  await assert.rejects(restore(archive, `${folder.path}/none/a.db`), failed("target.no-folder", /none/));
});

Deno.test("FileRestore restores an empty database", async () => {
  using folder = temporaryFolder();
  Deno.writeFileSync(`${folder.path}/empty.db`, new Uint8Array());
  const archive = await backUp(`${folder.path}/empty.db`);
  const report = await restore(archive, `${folder.path}/new.db`);
  assert.equal(Deno.statSync(`${folder.path}/new.db`).size, 0);
  assert.deepEqual(report.objects, archive.summary.objects);
});

Deno.test("FileRestore tells of rows that break the schema's rules, and keeps them", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`, { flawed: true });
  const report = await restore(await backUp(`${folder.path}/a.db`), `${folder.path}/b.db`);
  assert.match(report.warnings.join(), /CHECK constraint failed/);
  run("cmp", `${folder.path}/a.db`, `${folder.path}/b.db`);
});

Deno.test("FileRestore refuses parts that make no sound database", async () => {
  using folder = temporaryFolder();
  const { target, archive } = await scene(folder.path);
  const data = archive.entries.filter((entry) => entry.section === "data");
  const change = (entries: MemoryArchive["entries"]): MemoryArchive => ({ ...archive, entries });
  await assert.rejects(restore(change(data.slice(0, -1)), target), failed("damaged.pages"));
  await assert.rejects(restore(change(data.slice(1)), target), failed("damaged.order"));
  await assert.rejects(restore(change([]), target), failed("damaged.pages"));
  const blank = data.map((entry, index) =>
    index === 0
      ? entry
      : { ...entry, bytes: entry.bytes.map((chunk) => new Uint8Array(chunk.length).fill(0xaa)) }
  );
  await assert.rejects(restore(change(blank), target), failed("damaged.integrity"));
  assert.deepEqual(names(folder.path), ["source.db"]);
});
