import assert from "node:assert/strict";
import { FakeDatabase } from "../tests/fakes/fake_database.ts";
import { failure, owner, setUp } from "../tests/fakes/fake_job.ts";
import { sampleBytes } from "../tests/fakes/sample_bytes.ts";
import { collect, MemorySource } from "../tests/fakes/test_archive.ts";
import { backup } from "./backup.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { archiveKeyOf } from "./catalog/keys.ts";
import type { Operation } from "./operation.ts";
import { salvage, type SalvageTarget } from "./salvage.ts";
import { generateSigningKey } from "./signing/signing_key.ts";
import { joinBlocks, once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

/** A signed backup of two large tables, plain as a tar so that its bytes can be forged, and who asks for its signature. */
async function prepare() {
  const { memory, database, operation, job } = setUp();
  database.tables.clear();
  const lines = (seed: number) =>
    Array.from({ length: 9000 }, (_, line) => sampleBytes(200, seed * 10_000 + line).toHex());
  database.tables.set("users", lines(1));
  database.tables.set("orders", lines(2));
  const { pem, publicKey } = await generateSigningKey();
  const compression = { name: "none", level: 0 } as const;
  const record = await backup({ ...job, compression, signingKey: pem }, owner, operation);
  const key = archiveKeyOf(record);
  const bytes = await collect(await memory.get(key));
  const trusting: Operation = { ...operation, trusted: [publicKey] };
  const origin = { kind: "backup", store: memory, key, record } as const;

  /** The salvage of other bytes in the archive's place. */
  const salvaged = async (archive: Bytes, asking: Operation, target?: FakeDatabase) => {
    await memory.put(key, once(archive));
    return await salvage(origin, target === undefined ? undefined : into(target), asking);
  };
  /** What another writer backs up at the same time, under another id. */
  const foreign = async () => {
    const other = setUp();
    other.database.tables.clear();
    other.database.tables.set("users", ["forged"]);
    other.database.definitions.set("users", "forged");
    const now = () => new Date(record.started);
    const randomHex = (length: number) => (record.id.endsWith("00") ? "ff" : "00").repeat(length);
    const at = { ...other.operation, surroundings: { now, randomHex } };
    const forged = await backup({ ...other.job, compression }, owner, at);
    assert.notEqual(forged.id, record.id);
    return await collect(await other.memory.get(archiveKeyOf(forged)));
  };
  return { database, operation, trusting, bytes, salvaged, foreign };
}

function into(target: FakeDatabase): SalvageTarget {
  return {
    database: () => Promise.resolve({ plugin: { plugin: target.plugin, module: "" }, config: {} }),
    only: [],
    exclude: [],
    ifExists: "fail",
  };
}

/** Where the archive's documents and parts begin, headers included, by their paths. */
async function placesOf(bytes: Bytes) {
  await using pool = FramePool.open({ workers: 1 });
  const { signal } = new AbortController();
  const archive = await ArchiveReader.open(new MemorySource(bytes), { pool, signal });
  const { manifest } = archive;
  const lines = await Array.fromAsync(archive.entries());
  return [...lines, manifest.header, ...manifest.index].map(({ path, offset, at, raw }) => ({
    path,
    start: offset + at,
    raw,
  }));
}

/** The bytes with others in the place of some. */
function replaced(bytes: Bytes, at: number, other: Bytes): Bytes {
  const copy = bytes.slice();
  copy.set(other, at);
  return copy;
}

Deno.test("salvage() restores of a signed backup what the signature vouches for", async () => {
  const { database, trusting, bytes, salvaged } = await prepare();
  const whole = new FakeDatabase();
  assert.ok((await salvaged(bytes, trusting, whole)).report.isWhole);
  assert.deepEqual(whole.tables, database.tables);

  const orders = (await placesOf(bytes)).filter(({ path }) => path.includes("orders")).at(-1)!;
  const target = new FakeDatabase();
  const { report } = await salvaged(
    replaced(bytes, orders.start + 5000, new Uint8Array(9)),
    trusting,
    target,
  );
  assert.ok(report.objects.some(({ missing }) => missing.length > 0));
  assert.deepEqual(target.tables.get("users"), database.tables.get("users"));
});

Deno.test("salvage() hands out nothing when manifest or index is lost and signatures are asked for", async () => {
  const { database, operation, trusting, bytes, salvaged } = await prepare();
  const index = (await placesOf(bytes)).find(({ path }) => path.startsWith("index/"))!;
  for (
    const damaged of [
      bytes.slice(0, bytes.length - 3000),
      replaced(bytes, index.start + 1024, new Uint8Array(index.raw)),
    ]
  ) {
    const target = new FakeDatabase();
    for (const each of [undefined, target]) {
      const error = await failure(salvaged(damaged, trusting, each));
      assert.equal(error.code, "signature.unproven");
      assert.match(error.hint!, /without signing/);
    }
    assert.equal(target.tables.size, 0);
    // Whoever knows what that means asks for no signature.
    await salvaged(damaged, operation, target);
    assert.deepEqual(target.tables, database.tables);
  }
});

Deno.test("salvage() refuses an archive of the same second that is not its record's", async () => {
  const { operation, trusting, salvaged, foreign } = await prepare();
  const archive = await foreign();
  for (const asking of [operation, trusting]) {
    const target = new FakeDatabase();
    for (const each of [undefined, target]) {
      assert.equal((await failure(salvaged(archive, asking, each))).code, "damaged.header");
    }
    assert.equal(target.tables.size, 0);
  }
  // Its header cut off, only the record's manifest could tell.
  const headless = archive.slice();
  headless.fill(0, 0, 1000);
  const target = new FakeDatabase();
  assert.equal((await failure(salvaged(headless, trusting, target))).code, "signature.unproven");
  assert.equal(target.tables.size, 0);
});

Deno.test("salvage() leaves out of a signed backup what was put among its entries", async () => {
  const { database, trusting, bytes, salvaged, foreign } = await prepare();
  const forged = await foreign();
  const places = await placesOf(forged);
  // All entries of the other archive but its documents, files of its schema as well.
  const entries = places.filter(({ path }) => /^(data|schema|pages)/.test(path));
  const end = places.find(({ path }) => path.startsWith("index/"))!.start;
  const added = forged.slice(entries[0]!.start, end);
  const own = (await placesOf(bytes)).filter(({ path }) => /^(data|schema|pages)/.test(path));
  for (
    const mixed of [[added, bytes], [bytes, added], [
      bytes.slice(0, own[1]!.start),
      added,
      bytes.slice(own[1]!.start),
    ]]
  ) {
    const target = new FakeDatabase();
    const { report } = await salvaged(joinBlocks(mixed), trusting, target);
    for (const [name, lines] of target.tables) assert.deepEqual(lines, database.tables.get(name));
    assert.ok(target.tables.size > 0);
    assert.ok(report.foreign > 0);
  }
});

Deno.test("salvage() believes no header but the one that the manifest names", async () => {
  const { trusting, bytes, salvaged } = await prepare();
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  // A restore that believed it would compare nothing.
  const at = /(?<="proof": ?)"rows"/.exec(text)!.index;
  const { report } = await salvaged(replaced(bytes, at, new TextEncoder().encode('"none"')), trusting);
  assert.deepEqual(report.damagedDocuments, ["vaultra.json"]);
  assert.equal(report.id, undefined);
});
