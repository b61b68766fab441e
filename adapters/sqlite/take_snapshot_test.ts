import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { VaultraError } from "../../core/errors.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import { Buffer } from "node:buffer";
import type { EntryWriter } from "../../core/database.ts";
import { CHUNK_BYTES } from "../../core/streams/bytes.ts";
import plugin from "./plugin.ts";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { backUp, type BackupOptions, configOf, context, fileOf } from "../../tests/fakes/sqlite_kit.ts";

/**
 * A program that moves amounts between rows, whose sum never changes, and counts its commits in a second table.
 * It waits for locks for ten seconds and dies when it gets none. Each commit rewrites many pages.
 */
const writerProgram = `
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.execute("pragma journal_mode = " + sys.argv[2])
n = 0
print("ready", flush=True)
while True:
    db.execute("begin immediate")
    for i in range(10):
        a, b = (n * 7919 + i * 104729) % 20000 + 1, (n * 6101 + i * 15485863) % 20000 + 1
        db.execute("update account set amount = amount - 1 where id = ?", (a,))
        db.execute("update account set amount = amount + 1 where id = ?", (b,))
    db.execute("update tick set n = n + 1")
    db.execute("insert into event select n, hex(randomblob(100)) from tick")
    db.execute("commit")
    n += 1
    time.sleep(0.004)
`;

/** A database of 20,000 accounts while the writer runs. */
async function liveDatabase(path: string, mode: string): Promise<AsyncDisposable> {
  const db = new DatabaseSync(path);
  db.exec(`pragma journal_mode = ${mode}; pragma synchronous = off;
    create table account (id integer primary key, amount int, pad text); create table tick (n int); insert into tick values (0);
    create table event (n int, v text); create index event_n on event (n);
    with recursive i (n) as (select 1 union all select n + 1 from i where n < 20000)
    insert into account select n, 100, hex(randomblob(200)) from i;`);
  db.close();
  const writer = new Deno.Command("python3", {
    args: ["-c", writerProgram, path, mode],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = writer.stdout.getReader();
  await reader.read();
  return {
    async [Symbol.asyncDispose]() {
      const ended = await Promise.race([
        writer.status,
        new Promise<undefined>((next) => setTimeout(next, 0, undefined)),
      ]);
      if (ended === undefined) writer.kill("SIGKILL");
      reader.releaseLock();
      await writer.stdout.cancel();
      const errors = await new Response(writer.stderr).text();
      await writer.status;
      assert.equal(ended, undefined, `the writer died: ${errors}`);
    },
  };
}

/** Opens the archive's file apart and checks what must hold in every state between two commits. */
function checkInvariants(path: string, archive: Awaited<ReturnType<typeof backUp>>): number {
  Deno.writeFileSync(path, fileOf(archive));
  assert.equal(run("sqlite3", path, "pragma integrity_check").trim(), "ok");
  assert.equal(run("sqlite3", path, "select sum(amount), count(*) from account").trim(), "2000000|20000");
  const [ticks, events, most] = run(
    "sqlite3",
    path,
    "select (select n from tick), count(*), ifnull(max(n), 0) from event",
  )
    .trim().split("|").map(Number);
  assert.equal(events, ticks);
  assert.equal(most, ticks);
  assert.equal(archive.summary.objects.find(({ name }) => name === "event")?.rows, ticks);
  Deno.removeSync(path);
  return ticks ?? 0;
}

const rounds: [mode: string, options: (folder: string) => BackupOptions][] = [
  ["wal", () => ({ slow: () => new Promise((next) => setTimeout(next, 20)) })],
  ["delete", () => ({})],
  ["truncate", () => ({ slow: () => new Promise((next) => setTimeout(next, 5)) })],
  ["persist", () => ({})],
];
for (const [mode, options] of rounds) {
  Deno.test(`takeSnapshot() holds one state while another program writes, in ${mode} mode`, async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/live.db`;
    await using _writer = await liveDatabase(path, mode);
    let last = -1;
    for (let round = 0; round < 20; round++) {
      const ticks = checkInvariants(`${folder.path}/copy.db`, await backUp(path, options(folder.path)));
      assert.ok(ticks > last, "the writer went on between two backups");
      last = ticks;
    }
  });
}

const failed = (code: string, words = /./) => (error: unknown) =>
  error instanceof VaultraError && error.code === code && words.test(error.message) &&
  error.hint !== undefined;

Deno.test("takeSnapshot() goes to the staging folder when writers would wait too long, and cleans it", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/live.db`;
  Deno.mkdirSync(`${folder.path}/staging`);
  const limits = { writerPause: 1 };
  await using _writer = await liveDatabase(path, "delete");
  await assert.rejects(backUp(path, { limits }), failed("database.writer-pause", /\d+ ms/));
  checkInvariants(
    `${folder.path}/copy.db`,
    await backUp(path, { limits, staging: `${folder.path}/staging` }),
  );
  assert.deepEqual([...Deno.readDirSync(`${folder.path}/staging`)], []);
});

Deno.test("takeSnapshot() lets go when a writer has waited for writer-pause", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/live.db`;
  await using _writer = await liveDatabase(path, "delete");
  const slow = () => new Promise<void>((next) => setTimeout(next, 500));
  await assert.rejects(backUp(path, { slow, limits: { writerPause: 700 } }), failed("database.writer-pause"));
});

Deno.test("takeSnapshot() reads on past writer-pause while nobody waits to write", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/quiet.db`;
  buildSample(path, { rows: 20_000 });
  const slow = () => new Promise<void>((next) => setTimeout(next, 100));
  const archive = await backUp(path, { slow, limits: { writerPause: 150 } });
  assert.deepEqual(fileOf(archive), Deno.readFileSync(path));
});

Deno.test("takeSnapshot() ends when the log outgrows its limit", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/live.db`;
  await using _writer = await liveDatabase(path, "wal");
  const slow = () => new Promise<void>((next) => setTimeout(next, 300));
  await assert.rejects(backUp(path, { slow, limits: { logGrowth: 100_000 } }), failed("database.log-growth"));
});

Deno.test("takeSnapshot() waits for an older reader in WAL mode, then stages or gives up", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/wal.db`;
  buildSample(path, { journalMode: "wal" });
  const [reader, writer] = [new DatabaseSync(path), new DatabaseSync(path)];
  try {
    writer.exec("insert into loose values ('first')");
    reader.exec("begin; select count(*) from loose");
    writer.exec("insert into loose values ('second')");
    const limits = { lockWait: 200 };
    await assert.rejects(backUp(path, { limits }), failed("database.locked", /older reader/));
    const archive = await backUp(path, { limits, staging: folder.path });
    Deno.writeFileSync(`${folder.path}/copy.db`, fileOf(archive));
    assert.equal(
      run("sqlite3", `${folder.path}/copy.db`, "select count(*) from loose where v = 'second'").trim(),
      "1",
    );
  } finally {
    reader.close();
    writer.close();
  }
});

Deno.test("takeSnapshot() tells of a database that stays locked", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.db`;
  buildSample(path);
  const other = new DatabaseSync(path);
  other.exec("begin exclusive");
  await assert.rejects(backUp(path, { limits: { lockWait: 100 } }), failed("database.locked"));
  other.close();
});

Deno.test("takeSnapshot() rolls back a hot journal first", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/crash.db`;
  buildSample(path);
  const before = run("sqlite3", path, ".sha3sum");
  const program = `import sqlite3,os,sys
db=sqlite3.connect(sys.argv[1],isolation_level=None); db.execute("pragma cache_size=1"); db.execute("begin"); db.execute("update orders set note='lost'"); os.kill(os.getpid(),9)`;
  assert.ok(!new Deno.Command("python3", { args: ["-c", program, path] }).outputSync().success);
  assert.ok(Deno.statSync(`${path}-journal`).size > 0);
  const archive = await backUp(path);
  Deno.writeFileSync(`${folder.path}/copy.db`, fileOf(archive));
  assert.equal(run("sqlite3", `${folder.path}/copy.db`, ".sha3sum"), before);
});

Deno.test("takeSnapshot() follows a link to the file that the log lies beside", async () => {
  using folder = temporaryFolder();
  Deno.mkdirSync(`${folder.path}/real`);
  buildSample(`${folder.path}/real/a.db`, { journalMode: "wal" });
  Deno.symlinkSync(`${folder.path}/real/a.db`, `${folder.path}/link.db`);
  const writer = new DatabaseSync(`${folder.path}/real/a.db`);
  writer.exec("insert into loose values ('in the log')");
  const archive = await backUp(`${folder.path}/link.db`);
  writer.close();
  Deno.writeFileSync(`${folder.path}/copy.db`, fileOf(archive));
  assert.equal(
    run("sqlite3", `${folder.path}/copy.db`, "select count(*) from loose where v = 'in the log'").trim(),
    "1",
  );
});

Deno.test("takeSnapshot() refuses what is no sound database", async () => {
  using folder = temporaryFolder();
  const sample = `${folder.path}/sample.db`;
  buildSample(sample);
  const bytes = Deno.readFileSync(sample);
  const put = (name: string, content: Uint8Array) => {
    Deno.writeFileSync(`${folder.path}/${name}`, content);
    return `${folder.path}/${name}`;
  };
  await assert.rejects(backUp(`${folder.path}/none.db`), failed("database.not-found", /none\.db/));
  await assert.rejects(backUp(folder.path), failed("database.not-sqlite"));
  await assert.rejects(
    backUp(put("text", new TextEncoder().encode("hello"))),
    failed("database.not-sqlite", /encrypted/),
  );
  await assert.rejects(
    backUp(put("random", crypto.getRandomValues(new Uint8Array(8192)))),
    failed("database.not-sqlite"),
  );
  await assert.rejects(backUp(put("cut", bytes.slice(0, bytes.length - 5000))), failed("database.corrupt"));
  const damaged = bytes.slice();
  const root = Number(run("sqlite3", sample, "select rootpage from sqlite_schema where name = 'orders'"));
  damaged.fill(0xff, (root - 1) * 4096, root * 4096);
  const corrupt = put("damaged", damaged);
  await assert.rejects(backUp(corrupt), failed("database.corrupt"));
  await assert.rejects(backUp(corrupt, { proof: "rows" }), failed("database.corrupt"));
  assert.deepEqual(fileOf(await backUp(corrupt, { proof: "none" })), damaged);
});

Deno.test("takeSnapshot() takes an empty file, a database without pages and bytes past the last page", async () => {
  using folder = temporaryFolder();
  Deno.writeFileSync(`${folder.path}/empty.db`, new Uint8Array());
  assert.equal(fileOf(await backUp(`${folder.path}/empty.db`)).length, 0);
  buildSample(`${folder.path}/long.db`);
  const before = Deno.readFileSync(`${folder.path}/long.db`);
  Deno.writeFileSync(`${folder.path}/long.db`, new Uint8Array(7000), { append: true });
  const archive = await backUp(`${folder.path}/long.db`);
  assert.deepEqual(fileOf(archive), before);
  assert.match(archive.start.warnings.join(), /7000 bytes/);
});

Deno.test("takeSnapshot() keeps the lock page of a file over 1 GiB", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/large.db`;
  const db = new DatabaseSync(path);
  db.exec(
    "pragma page_size = 65536; pragma synchronous = off; pragma journal_mode = off; create table t (v); create table after (v)",
  );
  const insert = db.prepare("insert into t values (zeroblob(?))");
  for (let megabyte = 0; megabyte < 1026; megabyte += 114) insert.run(114 << 20);
  db.exec("insert into after values ('past the lock page')");
  db.close();
  const file = Deno.openSync(path);
  const expected = new Uint8Array(CHUNK_BYTES);
  let offset = 0;
  const entry: EntryWriter = {
    buffer: () => Promise.resolve(new Uint8Array(CHUNK_BYTES)),
    commit(buffer, length) {
      file.seekSync(offset, Deno.SeekMode.Start);
      assert.equal(file.readSync(expected.subarray(0, length)), length);
      assert.equal(Buffer.compare(buffer.subarray(0, length), expected.subarray(0, length)), 0);
      offset += length;
    },
    write: () => Promise.resolve(),
    end: () => {},
  };
  {
    await using adapter = await plugin.open(configOf(path), context());
    const limits = { writerPause: 60_000 };
    await using source = await adapter.backup({
      type: "full",
      only: [],
      exclude: [],
      excludeData: [],
      proof: "rows",
      parallel: 1,
      limits,
    });
    await source.write({ partBytes: () => 16 << 20, begin: () => entry });
    const { objects } = await source.finish();
    assert.equal(objects.find(({ name }) => name === "after")?.rows, 1);
  }
  file.close();
  assert.equal(offset, Deno.statSync(path).size);
  assert.ok(offset > 2 ** 30);
});
