import assert from "node:assert/strict";
import { ageKeygen } from "../tests/fakes/age_program.ts";
import { FakeDatabase } from "../tests/fakes/fake_database.ts";
import { failure, owner, setUp } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { sampleBytes } from "../tests/fakes/sample_bytes.ts";
import { seeded } from "./seeded.ts";
import { collect, MemorySource, pipe } from "../tests/fakes/test_archive.ts";
import { parseAgeHeader } from "./age/header.ts";
import { openHeader } from "./age/open_header.ts";
import { sealHeader } from "./age/seal_header.ts";
import { backup } from "./backup.ts";
import { FramePool } from "./archive/frame_pool.ts";
import type { BackupRecord } from "./archive/format.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { archiveKeyOf, keyHeaderKey } from "./catalog/keys.ts";
import type { Encryption } from "./config/job.ts";
import type { Keyring } from "./operation.ts";
import { salvage, type SalvageTarget } from "./salvage.ts";
import { once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

const pair = await ageKeygen();
const keys: Keyring = { identities: [pair.identity], passphrases: [] };
const names = ["users", "large", "larger", "last"];

/** A backup of four tables, two of them in frames of their own. */
async function prepare(encryption?: Encryption) {
  const { memory, database, operation, job } = setUp();
  database.tables.clear();
  const lines = (seed: number, count: number) =>
    Array.from({ length: count }, (_, line) => sampleBytes(200, seed * 10_000 + line).toHex());
  database.tables.set("users", lines(1, 20));
  database.tables.set("large", lines(2, 4000));
  database.tables.set("larger", lines(3, 9000));
  database.tables.set("last", lines(4, 30));
  const record = await backup(
    { ...job, ...(encryption === undefined ? {} : { encryption }) },
    owner,
    operation,
  );
  const bytes = await collect(await memory.get(archiveKeyOf(record)));
  return { memory, database, operation: { ...operation, keys }, record, bytes };
}

/** The backup again, in a store where its archive is another one. */
async function stored(record: BackupRecord, bytes: Bytes) {
  const store = new MemoryStore();
  await store.put(archiveKeyOf(record), once(bytes));
  return { kind: "backup", store, key: archiveKeyOf(record) } as const;
}

function into(target: FakeDatabase): SalvageTarget {
  return {
    database: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
    only: [],
    exclude: [],
    ifExists: "fail",
  };
}

/** The middle of an object's frames. */
async function middleOf(bytes: Bytes, object: number, pool: FramePool): Promise<number> {
  const archive = await ArchiveReader.open(new MemorySource(bytes), {
    pool,
    signal: new AbortController().signal,
    keys,
  });
  const [line] = await Array.fromAsync(archive.entries({ object, section: "data" }));
  return line!.offset + Math.floor(line!.stored / 2);
}

Deno.test("salvage() tells that nothing is missing of a whole archive, and restores it", async () => {
  const { memory, database, operation, record, bytes } = await prepare();
  const key = archiveKeyOf(record);
  for (
    const origin of [
      { kind: "backup", store: memory, key, record } as const,
      { kind: "backup", store: memory, key } as const,
      { kind: "pipe", bytes: pipe(bytes, seeded(1)) } as const,
    ]
  ) {
    const target = new FakeDatabase();
    const { report, comparison } = await salvage(origin, into(target), operation);
    assert.ok(report.isWhole);
    assert.deepEqual(report.totals, { whole: 4, parts: 4, exact: true, rows: 13_050, raw: record.raw });
    assert.equal(report.id, record.id);
    assert.equal(report.lost, 0);
    assert.deepEqual(target.tables, database.tables);
    assert.equal(comparison!.compared, 4);
  }
});

Deno.test("salvage() restores every table but the one that is damaged, by ranges and from a pipe", async () => {
  const { database, operation, record, bytes } = await prepare();
  await using pool = FramePool.open({ workers: 1 });
  const damaged = bytes.slice();
  damaged[await middleOf(bytes, 3, pool)]! ^= 1;
  for (
    const origin of [
      { ...await stored(record, damaged), record },
      await stored(record, damaged),
      { kind: "pipe", bytes: pipe(damaged, seeded(2)) } as const,
    ]
  ) {
    const target = new FakeDatabase();
    const { report, comparison } = await salvage(origin, into(target), operation);
    assert.equal(report.isWhole, false);
    assert.ok(report.lost > 0);
    assert.deepEqual(report.objects.map(({ name, missing }) => [name, missing]), [
      ["users", []],
      ["large", []],
      ["larger", [[0, 0]]],
      ["last", []],
    ]);
    assert.deepEqual([...target.tables.keys()], ["users", "large", "last"]);
    for (const [name, lines] of target.tables) assert.deepEqual(lines, database.tables.get(name));
    assert.equal(comparison!.compared, 3);
  }
});

Deno.test("salvage() takes what a cut left, and says what it does not know", async () => {
  const { database, operation, record, bytes } = await prepare();
  await using pool = FramePool.open({ workers: 1 });
  const cut = bytes.slice(0, await middleOf(bytes, 3, pool));
  for (const origin of [await stored(record, cut), { kind: "pipe", bytes: pipe(cut, seeded(3)) } as const]) {
    const target = new FakeDatabase();
    const { report, comparison } = await salvage(origin, into(target), operation);
    assert.deepEqual(report.damagedDocuments, ["manifest.json"]);
    assert.equal(report.totals.exact, false);
    assert.equal(comparison, undefined);
    assert.deepEqual([...target.tables], [...database.tables].slice(0, 2));
  }
});

Deno.test("salvage() restores without a header into a database whose address tells the engine", async () => {
  const { database, operation, record, bytes } = await prepare();
  const damaged = bytes.slice();
  // The header shares a frame with the first table.
  damaged.fill(0, 0, 60);
  const target = new FakeDatabase();
  const { report } = await salvage(await stored(record, damaged), into(target), operation);
  assert.deepEqual(report.damagedDocuments, ["vaultra.json", "RESTORE.md"]);
  assert.deepEqual([...target.tables.keys()], names.slice(1));
  assert.deepEqual(target.tables.get("last"), database.tables.get("last"));
});

Deno.test("salvage() refuses what holds no whole part, and changes nothing", async () => {
  const { operation, record, bytes } = await prepare();
  const target = new FakeDatabase();
  const nothing = bytes.slice(0, 50);
  for (const origin of [await stored(record, nothing), { kind: "pipe", bytes: once(nothing) } as const]) {
    assert.equal((await failure(salvage(origin, into(target), operation))).code, "damaged.nothing-whole");
  }
  const origin = { ...await stored(record, bytes), key: "shop/none.tar.zst" };
  assert.equal((await failure(salvage(origin, undefined, operation))).code, "no-backup.archive");
  assert.equal(target.open, 0);
});

Deno.test("salvage() loses of an encrypted archive what a damaged chunk holds, and no more", async () => {
  const { database, operation, record, bytes } = await prepare({ recipients: [pair.recipient] });
  await using pool = FramePool.open({ workers: 1 });
  const header = parseAgeHeader(bytes).bytes.length + 16;
  const at = await middleOf(bytes, 3, pool);
  const damaged = bytes.slice();
  damaged[header + at + Math.floor(at / 65_536) * 16]! ^= 1;
  for (
    const origin of [
      { ...await stored(record, damaged), record },
      { kind: "pipe", bytes: pipe(damaged, seeded(4)) } as const,
    ]
  ) {
    const target = new FakeDatabase();
    const { report } = await salvage(origin, into(target), operation);
    assert.equal(report.undecrypted, 65_536);
    assert.deepEqual(report.objects.filter(({ missing }) => missing.length > 0).map(({ name }) => name), [
      "larger",
    ]);
    assert.deepEqual([...target.tables.keys()], ["users", "large", "last"]);
    assert.deepEqual(target.tables.get("last"), database.tables.get("last"));
  }
  const cut = await stored(record, bytes.slice(0, header + at));
  const { report } = await salvage(cut, undefined, operation);
  assert.deepEqual(report.objects.map(({ name, whole }) => [name, whole]).slice(0, 2), [["users", 1], [
    "large",
    1,
  ]]);

  const other: Keyring = { identities: [(await ageKeygen()).identity], passphrases: [] };
  const wrong = salvage(await stored(record, bytes), undefined, { ...operation, keys: other });
  assert.equal((await failure(wrong)).code, "key.wrong-identity");
});

Deno.test("salvage() reads an encrypted archive whose header is damaged by another that wraps its key", async () => {
  const { operation, record, bytes } = await prepare({ recipients: [pair.recipient] });
  const fileKey = await openHeader(parseAgeHeader(bytes), keys);
  const damaged = bytes.slice();
  // A letter of the wrapped key: the header's form stays.
  const at = new TextDecoder("latin1").decode(bytes.subarray(0, 500)).indexOf("\n", 30) + 5;
  damaged[at] = damaged[at] === 0x41 ? 0x42 : 0x41;
  const origin = await stored(record, damaged);
  for (const known of [{}, { record }]) {
    const error = await failure(salvage({ ...origin, ...known }, undefined, operation));
    assert.ok(["damaged.age-header", "key.wrong-identity"].includes(error.code), error.code);
  }
  const { header } = await sealHeader({ recipients: [pair.recipient] }, { fileKey });
  await origin.store.put(keyHeaderKey("shop", record.id, new Date(0)), once(header));
  const { report } = await salvage({ ...origin, record }, undefined, operation);
  assert.ok(report.isWhole);

  const worse = bytes.slice();
  worse.fill(0, 0, 10);
  const lost = await failure(salvage({ ...await stored(record, worse), record }, undefined, operation));
  assert.equal(lost.code, "damaged.age-header");
});

Deno.test("salvage() refuses what nobody signed where signatures are asked for", async () => {
  const { memory, operation, record, bytes } = await prepare();
  const asking = { ...operation, trusted: [] };
  const key = archiveKeyOf(record);
  for (
    const origin of [
      { kind: "backup", store: memory, key, record } as const,
      { kind: "backup", store: memory, key } as const,
      { kind: "pipe", bytes: once(bytes) } as const,
    ]
  ) {
    assert.equal((await failure(salvage(origin, undefined, asking))).family, "signature");
  }
});
