import assert from "node:assert/strict";
import { FakeDatabase, type FakeFault } from "../tests/fakes/fake_database.ts";
import { failure, keys, owner, setUp } from "../tests/fakes/fake_job.ts";
import type { Fault } from "../tests/fakes/faulty_store.ts";
import { InProcessHost } from "../tests/fakes/in_process_host.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { storeSource } from "./archive/range_source.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { backup } from "./backup.ts";
import { Catalog } from "./catalog/catalog.ts";
import { archiveKeyOf, lockKey } from "./catalog/keys.ts";
import { listRuns } from "./catalog/runs.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { surroundings } from "./events.ts";
import type { ProofLevel } from "./database.ts";
import type { AnyPlugin } from "./plugin.ts";
import { restore } from "./restore.ts";
import { verify } from "./verify.ts";

Deno.test("backup() makes a backup that verifies and restores", async () => {
  const { memory, database, operation, job } = setUp();
  const record = await backup(job, owner, operation);
  assert.deepEqual((await Array.fromAsync(new Catalog(memory).list())).map(({ id }) => id), [record.id]);
  assert.equal(record.rows, 1001);
  assert.deepEqual(record.log, { start: "7", stop: "9" });
  {
    await using pool = FramePool.open({ workers: 1, signal: operation.signal });
    assert.equal((await verify(memory, record, pool, operation)).rows, 1001);
  }
  const target = new FakeDatabase();
  const outcome = await restore({
    origin: { kind: "backup", store: memory, key: archiveKeyOf(record), record },
    target: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
  }, operation);
  assert.deepEqual(outcome.comparison, {
    compared: 3,
    identical: 0,
    kinds: [{ kind: "table", compared: 3, identical: 0 }],
    differences: [],
  });
  assert.deepEqual(target.tables, database.tables);
  assert.deepEqual([database.open, target.open], [0, 0]);
});

Deno.test("backup() repeats no secret of the job in the archive's header and the record", async () => {
  const { memory, operation, job } = setUp();
  const redact = (text: string) => text.replaceAll("hunter2", "***");
  const told = {
    label: "with hunter2",
    only: ["users", "hunter2*"],
    exclude: ["hunter2"],
    excludeData: ["a.hunter2"],
  };
  const record = await backup({ ...job, ...told }, owner, { ...operation, redact });
  await using pool = FramePool.open({ workers: 1, signal: operation.signal });
  const source = await storeSource(memory, archiveKeyOf(record), record.archive.size);
  const { header } = await ArchiveReader.open(source, { pool, signal: operation.signal, record });
  assert.deepEqual([record.label, header.label], ["with ***", "with ***"]);
  const { only, exclude, excludeData } = header.options;
  assert.deepEqual({ only, exclude, excludeData }, {
    only: ["users", "****"],
    exclude: ["***"],
    excludeData: ["a.***"],
  });
});

Deno.test("backup() writes the record last and releases the lock", async () => {
  const { memory, operation, job } = setUp();
  const order: string[] = [];
  const put = memory.put.bind(memory);
  memory.put = (key, body, options) => {
    order.push(key);
    return put(key, body, options);
  };
  const record = await backup(job, owner, operation);
  const kinds = order.map((key) => key.startsWith(".locks/") ? "lock" : key.includes("/runs/") ? "run" : key);
  assert.deepEqual(kinds.filter((kind) => kind !== "lock"), [
    archiveKeyOf(record),
    `shop/${record.id}.json`,
    "run",
  ]);
  assert.equal(await memory.stat(lockKey("shop")), null);
});

for (const at of ["open", "snapshot", "write", "finish"] satisfies FakeFault[]) {
  Deno.test(`backup() lists nothing and tells why when the database fails at "${at}"`, async () => {
    const { memory, database, operation, job } = setUp();
    database.fault = { at, error: new VaultraError("database.broken", "The database broke") };
    const error = await failure(backup(job, owner, operation));
    assert.equal(error.code, "database.broken");
    assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
    const [run] = await Array.fromAsync(listRuns(memory, "shop"));
    assert.equal(run?.outcome, "failed");
    assert.equal(run?.error?.code, "database.broken");
    assert.equal(database.open, 0);
  });
}

const full = new VaultraError("store.disk-full", "The disk is full");
for (
  const [name, fault] of Object.entries<Fault>({
    "the archive can't be begun": { method: "put", key: ".tar.zst", error: full },
    "the archive breaks off": { method: "put", key: ".tar.zst", error: full, afterBytes: 100 },
    "the record can't be put": { method: "put", key: "Z-full-", error: full, call: 2 },
    "the record is put and the answer lost": {
      method: "put",
      key: "Z-full-",
      error: full,
      call: 2,
      answerLost: true,
    },
  })
) {
  Deno.test(`backup() lists nothing and tells why when ${name}`, async () => {
    const { memory, database, operation, job } = setUp([fault]);
    const error = await failure(backup(job, owner, operation));
    assert.equal(error.code, "store.disk-full");
    assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
    assert.equal(database.open, 0);
  });
}

Deno.test("backup() gives ids that sort by time, within a second too", async () => {
  const { operation, job } = setUp();
  const idAt = async (time: string) => {
    const surroundings = { now: () => new Date(time), randomHex: operation.surroundings.randomHex };
    return (await backup(job, owner, { ...operation, surroundings })).id;
  };
  const ids: string[] = [];
  for (const fraction of ["000", "010", "100", "500", "999"]) {
    ids.push(await idAt(`2026-11-24T06:47:58.${fraction}Z`));
  }
  assert.deepEqual(ids.toSorted(), ids);
});

Deno.test("backup() refuses a store that kept fewer bytes than it was sent", async () => {
  const { memory, operation, job } = setUp();
  const put = memory.put.bind(memory);
  memory.put = async (key, body, options) => {
    const info = await put(key, body, options);
    return key.includes(".tar") ? { ...info, size: info.size - 1 } : info;
  };
  const error = await failure(backup(job, owner, operation));
  assert.equal(error.code, "store.incomplete");
  assert.deepEqual(await Array.fromAsync(new Catalog(memory).list()), []);
});

Deno.test("backup() makes a record that can be read though the clock was set back meanwhile", async () => {
  const { memory, operation, job } = setUp();
  let time = Date.parse("2026-11-24T06:00:00Z");
  const now = () => new Date(time -= 60_000);
  const record = await backup(job, owner, { ...operation, surroundings: { ...surroundings, now } });
  assert.deepEqual(await Array.fromAsync(new Catalog(memory).list()), [record]);
});

Deno.test("backup() refuses what a plugin tells and no archive or record can hold", async () => {
  for (
    const [tells, code] of [
      [{ version: "x".repeat(201) }, "plugin.start"],
      [{ warnings: ["x".repeat(10_001)] }, "plugin.summary"],
    ] as const
  ) {
    const { memory, database, operation, job } = setUp();
    Object.assign(database, tells);
    assert.equal((await failure(backup(job, owner, operation))).code, code);
    assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
  }
});

Deno.test("backup() counts its warnings in the record and tells them in the manifest alone", async () => {
  const { memory, database, operation, job, events } = setUp();
  database.warnings = ['The table "secret" is odd'];
  const record = await backup(job, owner, operation);
  assert.equal(record.warnings, 1);
  assert(!JSON.stringify(record).includes("secret"));
  assert(events.some((event) => event.type === "warning" && event.message.includes("secret")));
  await using pool = FramePool.open({ workers: 1, signal: operation.signal });
  const source = storeSource(memory, archiveKeyOf(record), record.archive.size);
  const archive = await ArchiveReader.open(source, { pool, record, signal: operation.signal });
  assert.deepEqual(archive.manifest.warnings, database.warnings);
});

Deno.test("backup() refuses to run twice at once", async () => {
  const { database, operation, job } = setUp();
  let second: VaultraError | undefined;
  database.onTable = async () => {
    second ??= await failure(backup(job, owner, operation));
  };
  await backup(job, owner, operation);
  assert.equal(second?.exitCode, 12);
});

Deno.test("backup() that is interrupted cleans up, releases the lock and writes its run", async () => {
  const { memory, database, operation, job, controller } = setUp();
  database.onTable = (name) => {
    if (name === "empty") controller.abort(new VaultraError("interrupted", "Interrupted"));
    return Promise.resolve();
  };
  const error = await failure(backup(job, owner, operation));
  assert.equal(error.exitCode, 130);
  assert.deepEqual((await keys(memory)).filter((key) => !key.includes("/runs/")), []);
  const [run] = await Array.fromAsync(listRuns(memory, "shop"));
  assert.equal(run?.outcome, "interrupted");
});

Deno.test("backup() ends at its time limit", async () => {
  const { memory, database, operation, job } = setUp();
  database.onTable = () => new Promise((resolve) => setTimeout(resolve, 50));
  const error = await failure(backup({ ...job, limits: { timeout: 20 } }, owner, operation));
  assert.equal(error.code, "failed.timeout");
  assert.deepEqual(await Array.fromAsync(new Catalog(memory).list()), []);
});

Deno.test("backup() keeps the run of a store that is out of reach", async () => {
  const { operation, job, kept } = setUp();
  const host = new InProcessHost();
  host.openStore = () => Promise.reject(new VaultraError("store.unreachable", "The store is away at s3cret"));
  const redact = (text: string) => text.replace("s3cret", "***");
  const error = await failure(backup(job, owner, { ...operation, host, redact }));
  assert.equal(error.exitCode, 11);
  assert.deepEqual(kept.map(({ job, outcome, error }) => [job, outcome, error]), [
    ["shop", "failed", { code: "store.unreachable", message: "The store is away at ***" }],
  ]);
});

Deno.test("backup() that was made is not told as failed when only its run can't be written", async () => {
  const { memory, operation, job, events, kept } = setUp([{ method: "put", key: "/runs/", error: full }]);
  const record = await backup(job, owner, operation);
  assert.deepEqual(await Array.fromAsync(new Catalog(memory).list()), [record]);
  assert.deepEqual(kept.map(({ outcome, backup }) => [outcome, backup]), [["ok", record.id]]);
  assert.ok(events.some((event) => event.type === "warning" && event.code === "store.disk-full"));
});

for (const at of ["restore-write", "commit"] satisfies FakeFault[]) {
  Deno.test(`restore() leaves its target as it was when it fails at "${at}"`, async () => {
    const { memory, operation, job } = setUp();
    const record = await backup(job, owner, operation);
    const target = new FakeDatabase();
    target.fault = { at, error: new VaultraError("database.broken", "The database broke") };
    const options = {
      origin: { kind: "backup" as const, store: memory, key: archiveKeyOf(record), record },
      target: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
    };
    assert.equal((await failure(restore(options, operation))).code, "database.broken");
    assert.deepEqual([target.tables.size, target.open], [0, 0]);
  });
}

const spoils = {
  loses: [/table "users" has 999 rows instead of 1000/, "rows"],
  doubles: [/table "users" has 1001 rows instead of 1000/, "rows"],
  changes: [/table "users" has other content than was backed up/, "content"],
} as const;

for (const how of ["loses", "doubles", "changes"] as const) {
  Deno.test(`restore() ends with 15 when its target ${how} a row, as far as the proof tells`, async () => {
    const { memory, operation, job } = setUp();
    const record = await backup({ ...job, proof: "content" }, owner, operation);
    const restored = async (proof: ProofLevel) => {
      const target = new FakeDatabase();
      target.spoils = { table: "users", how };
      return await restore({
        origin: { kind: "backup", store: memory, key: archiveKeyOf(record), record },
        target: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
        proof,
      }, operation);
    };
    const [message, least] = spoils[how];
    for (const proof of ["rows", "content"] as const) {
      if (proof === "rows" && least === "content") {
        const { comparison } = await restored(proof);
        assert.deepEqual(comparison, {
          compared: 3,
          identical: 0,
          kinds: [{ kind: "table", compared: 3, identical: 0 }],
          differences: [],
        });
        continue;
      }
      const error = await failure(restored(proof));
      assert.equal(error.exitCode, 15);
      assert.match(error.message, message);
      assert.match(String(error.details?.["differences"]), message);
    }
    assert.equal((await restored("none")).comparison?.compared, 0);
  });
}

Deno.test("restore() refuses a target that holds something, another engine and an absent archive", async () => {
  const { memory, database, operation, job } = setUp();
  const record = await backup(job, owner, operation);
  const options = (key: string, plugin: AnyPlugin) => ({
    origin: { kind: "backup" as const, store: memory, key, record },
    target: () => Promise.resolve({ plugin: { plugin, module: "" }, config: {} }),
  });
  const key = archiveKeyOf(record);
  assert.equal((await failure(restore(options(key, database.plugin), operation))).exitCode, 17);
  const other = { ...database.plugin, name: "other" };
  assert.equal((await failure(restore(options(key, other), operation))).code, "usage.other-engine");
  assert.equal(
    (await failure(restore(options("shop/nothing.tar", database.plugin), operation))).exitCode,
    18,
  );
  assert.equal(toVaultraError(new Error("x")).exitCode, 1);
});
