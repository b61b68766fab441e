import assert from "node:assert/strict";
import { ageDecrypt, ageEncrypt, ageKeygen, type AgePair } from "../tests/fakes/age_program.ts";
import { failure, keys, owner } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { sampleBytes, sha256 } from "../tests/fakes/sample_bytes.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { clockedOperation, storeBackup, withEveryFault } from "../tests/fakes/stored_backup.ts";
import { collect, testArchive, testHeader } from "../tests/fakes/test_archive.ts";
import { parseAgeHeader } from "./age/header.ts";
import { sealHeader } from "./age/seal_header.ts";
import type { BackupRecord } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { archiveKeyOf, keyHeaderKey, keyHeadersPrefix, recordKey } from "./catalog/keys.ts";
import { recordBytes } from "./catalog/record.ts";
import { VaultraError } from "./errors.ts";
import { acquireLock } from "./lock.ts";
import { openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { planRotation, rotate, type Rotated } from "./rotate.ts";
import type { ObjectStore } from "./store.ts";
import { joinBlocks, once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

const job = "shop";

/** Keys of age that its own program made. */
async function pairs(): Promise<[AgePair, AgePair, AgePair]> {
  return [await ageKeygen(), await ageKeygen(), await ageKeygen()];
}

async function keyHeaders(store: ObjectStore, { id }: BackupRecord): Promise<string[]> {
  return (await keys(store)).filter((key) => key.startsWith(keyHeadersPrefix(job, id)));
}

/** Stores an encrypted backup, its number in its id. */
async function storeEncrypted(store: ObjectStore, number: number, to: AgePair): Promise<BackupRecord> {
  const id = `20261124T${String(number).padStart(6, "0")}Z-full-0000`;
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, record } = await testArchive(
    pool,
    "none",
    [{ section: "data", name: "users", object: 1, content: sampleBytes(100_000, number), rows: 1 }],
    { header: { ...testHeader, id }, encryption: { recipients: [to.recipient] } },
  );
  return await storeArchive(store, { ...record, id }, bytes);
}

/** Stores an archive and its record, which tells its name and its bytes. */
async function storeArchive(store: ObjectStore, template: BackupRecord, bytes: Bytes): Promise<BackupRecord> {
  const { id } = template;
  const archive = {
    ...template.archive,
    name: `${id}.tar.age`,
    size: bytes.length,
    sha256: sha256(bytes),
  };
  const record = { ...template, archive };
  await store.put(archiveKeyOf(record), once(bytes));
  await store.put(recordKey(job, id), once(recordBytes(record)));
  return record;
}

/** Opens a backup as every reader does. */
async function open(store: ObjectStore, record: BackupRecord, operation: Operation): Promise<void> {
  await using pool = FramePool.open({ workers: 1 });
  await openBackup({ store, key: archiveKeyOf(record), record }, pool, operation);
}

/** Rotates, and gives what was told of each backup. */
async function rotateAll(
  store: ObjectStore,
  records: readonly BackupRecord[],
  to: readonly AgePair[],
  operation: Operation,
): Promise<{ done: Rotated[]; errors: VaultraError[] }> {
  const done: Rotated[] = [];
  const errors: VaultraError[] = [];
  await rotate(store, job, records, {
    recipients: to.map(({ recipient }) => recipient),
    owner,
    rotated: (each) => done.push(each),
    failed: (error) => errors.push(error),
  }, operation);
  return { done, errors };
}

function having(operation: Operation, ...pairs: readonly AgePair[]): Operation {
  return { ...operation, keys: { identities: pairs.map(({ identity }) => identity), passphrases: [] } };
}

async function bytesOf(store: ObjectStore, key: string): Promise<Bytes> {
  return await collect(await store.get(key));
}

Deno.test("rotate() lets new keys open a backup, for age too, and changes nothing else", async () => {
  const [old, one, two] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const { operation } = clockedOperation();
  const before = await keys(store);
  const archive = await bytesOf(store, archiveKeyOf(record));

  const { done: [rotated], errors } = await rotateAll(store, [record], [one, two], having(operation, old));
  assert.deepEqual(errors, []);
  assert.equal(rotated!.header, `shop/keys/${record.id}.20261126T000000Z.age`);
  assert.deepEqual(await keys(store), [...before, rotated!.header].sort());
  assert.deepEqual(await bytesOf(store, archiveKeyOf(record)), archive);
  const header = await bytesOf(store, rotated!.header);
  assert.equal(header.length, rotated!.written);

  const plain = await ageDecrypt(archive, old.identity);
  const spliced = joinBlocks([header, archive.subarray(rotated!.headerBytes)]);
  for (const { identity } of [one, two]) assert.deepEqual(await ageDecrypt(spliced, identity), plain);
  await assert.rejects(ageDecrypt(spliced, old.identity));
  for (const pair of [old, one, two]) await open(store, record, having(operation, pair));
  assert.equal(
    (await failure(open(store, record, having(operation, await ageKeygen())))).code,
    "key.wrong-identity",
  );
});

Deno.test("rotate() takes a backup from key to key, and removes the headers before", async () => {
  const [old, one, two] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const { operation } = clockedOperation();
  const first = await rotateAll(store, [record], [one], having(operation, old));
  // In the same second: the name is taken.
  const second = await rotateAll(store, [record], [two], having(operation, one));
  assert.deepEqual([first.done[0]!.removed, second.done[0]!.removed], [0, 1]);
  assert.deepEqual(await keyHeaders(store, record), [second.done[0]!.header]);
  await open(store, record, having(operation, two));
  assert.equal(
    (await failure(open(store, record, having(operation, one)))).code,
    "key.wrong-identity",
  );
});

Deno.test("rotate() tells of headers that the store does not let go", async () => {
  const [old, one, two] = await pairs();
  const inner = new MemoryStore();
  const store = new class extends StoreDecorator {
    override remove(key: string, options?: { readonly ifMatch?: string }): Promise<void> {
      if (!key.includes("/keys/")) return super.remove(key, options);
      return Promise.reject(new VaultraError("store.denied", "It is kept for 30 days"));
    }
  }(inner);
  const record = await storeEncrypted(inner, 1, old);
  const { operation, events } = clockedOperation();
  await rotateAll(store, [record], [one], having(operation, old));
  const { done, errors } = await rotateAll(store, [record], [two], having(operation, old));
  assert.deepEqual([errors, done[0]!.removed], [[], 0]);
  const warnings = events.filter((event) => event.type === "warning");
  assert.deepEqual(warnings.map(({ code }) => code), ["key.old-header"]);
  assert.match(
    warnings[0]!.message,
    /could not be removed, so its keys still open the backup: It is kept for 30 days$/,
  );
});

Deno.test("rotate() passes over what cannot be rotated, and says why", async () => {
  const [old, one, stranger] = await pairs();
  const store = new MemoryStore();
  const unencrypted = await storeBackup(store, 1);
  const foreign = await storeEncrypted(store, 2, stranger);
  const damaged = await storeEncrypted(store, 3, old);
  const cut = await storeEncrypted(store, 4, old);
  const gone = await storeEncrypted(store, 5, old);
  const whole = await storeEncrypted(store, 6, old);
  const bytes = await bytesOf(store, archiveKeyOf(damaged));
  bytes[bytes.indexOf("-".charCodeAt(0), 40) + 20]! ^= 1;
  await store.put(archiveKeyOf(damaged), once(bytes));
  await store.put(archiveKeyOf(cut), once((await bytesOf(store, archiveKeyOf(cut))).slice(0, -60)));
  await store.remove(archiveKeyOf(gone));
  const before = await keys(store);

  const { operation } = clockedOperation();
  const records = [unencrypted, foreign, damaged, cut, gone, whole];
  const { done, errors } = await rotateAll(store, records, [one], having(operation, old));
  assert.deepEqual(errors.map(({ code }) => code), [
    "key.not-encrypted",
    "key.wrong-identity",
    "damaged.age-header",
    "damaged.truncated",
    "no-backup.archive",
  ]);
  assert.deepEqual(done.map(({ record }) => record.id), [whole.id]);
  assert.deepEqual(await keys(store), [...before, done[0]!.header].sort());
  const none = await rotateAll(store, [whole], [one], operation);
  assert.deepEqual(none.errors.map(({ code }) => code), ["key.missing"]);
});

Deno.test("rotate() gives nobody the key of what lies in the place of the archive", async () => {
  const [admin, one] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, admin);
  const secret = await storeEncrypted(store, 2, admin);
  const archive = await bytesOf(store, archiveKeyOf(secret));
  const padded = new Uint8Array(record.archive.size);
  const note = await ageEncrypt(new TextEncoder().encode("a note to the admin"), [admin.recipient]);
  padded.set(note);
  const { operation } = clockedOperation();
  for (const foreign of [archive, note, padded]) {
    await store.put(archiveKeyOf(record), once(foreign.slice()));
    const before = await keys(store);
    const { done, errors } = await rotateAll(store, [record], [one], having(operation, admin));
    assert.deepEqual([done, errors.map(({ family }) => family)], [[], ["damaged"]]);
    assert.deepEqual(await keys(store), before);
    await using pool = FramePool.open({ workers: 1 });
    const plan = planRotation(store, record, pool, having(operation, admin));
    assert.equal((await failure(plan)).family, "damaged");
  }
});

Deno.test("rotate() lets an identity open what a passphrase was made for, which still opens it", async () => {
  const [old, one, two] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const sealed = await bytesOf(store, archiveKeyOf(record));
  // The same archive under a passphrase that costs little.
  const { operation } = clockedOperation();
  await using pool = FramePool.open({ workers: 1 });
  const { opened } = await planRotation(store, record, pool, having(operation, old));
  const { header } = await sealHeader({ passphrase: "staple-7" }, { fileKey: opened.fileKey, workFactor: 8 });
  const spoken = await storeArchive(
    store,
    { ...record, encryption: { recipients: ["passphrase"] } },
    joinBlocks([header, sealed.subarray(opened.headerBytes)]),
  );
  const byPassphrase = { ...operation, keys: { identities: [], passphrases: ["staple-7"] } };
  const { done: [rotated], errors } = await rotateAll(store, [spoken], [one], byPassphrase);
  assert.deepEqual(errors, []);
  await open(store, spoken, having(operation, one));
  await open(store, spoken, byPassphrase);
  assert.equal((await failure(open(store, spoken, having(operation, old)))).code, "key.wrong-identity");
  const archive = await bytesOf(store, archiveKeyOf(spoken));
  const spliced = joinBlocks([
    await bytesOf(store, rotated!.header),
    archive.subarray(rotated!.headerBytes),
  ]);
  assert.deepEqual(await ageDecrypt(spliced, one.identity), await ageDecrypt(sealed, old.identity));

  // And from key to key.
  assert.deepEqual((await rotateAll(store, [spoken], [two], having(operation, one))).errors, []);
  await open(store, spoken, having(operation, two));
  assert.equal((await failure(open(store, spoken, having(operation, one)))).code, "key.wrong-identity");
});

Deno.test("a backup that was rotated opens beside key headers that are of no use", async () => {
  const [old, one] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const { operation, events } = clockedOperation();
  const { done: [rotated] } = await rotateAll(store, [record], [one], having(operation, old));
  const good = await bytesOf(store, rotated!.header);
  const flipped = good.slice();
  flipped[good.length - 5] = good[good.length - 5] === 0x41 ? 0x42 : 0x41;
  const foreign = await ageEncrypt(new Uint8Array(1), [one.recipient]);
  const planted = [
    flipped,
    parseAgeHeader(foreign).bytes,
    good.slice(0, 30),
    (await sealHeader({ passphrase: "x" }, { workFactor: 4 })).header,
    new Uint8Array(0),
  ];
  for (const [second, bytes] of planted.entries()) {
    await store.put(keyHeaderKey(job, record.id, new Date(Date.UTC(2099, 0, 1, 0, 0, second))), once(bytes));
  }
  await open(store, record, having(operation, one));
  const warnings = events.filter((event) => event.type === "warning").map(({ message }) =>
    /\.20990101T00000(\d)Z\.age" was passed over: (.*)/.exec(message)!.slice(1).join(": ")
  );
  assert.deepEqual(warnings.sort(), [
    "0: it is damaged",
    "1: it wraps the key of another archive",
    "2: it is damaged",
    "3: a passphrase opens it, which is never so",
    "4: it is damaged",
  ]);
  // The next rotation takes the place of them all.
  const { done: [again] } = await rotateAll(store, [record], [one], having(operation, old));
  assert.deepEqual([again!.removed, await keyHeaders(store, record)], [6, [again!.header]]);
});

Deno.test("rotate() needs a trusted signature where signatures are asked for", async () => {
  const [old, one] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const { operation } = clockedOperation();
  const trusting = { ...having(operation, old), trusted: [`ed25519:${"A".repeat(43)}=`] };
  const { errors } = await rotateAll(store, [record], [one], trusting);
  assert.deepEqual(errors.map(({ family }) => family), ["signature"]);
});

Deno.test("rotate() waits for nobody who holds the job's lock, and leaves none", async () => {
  const [old, one] = await pairs();
  const store = new MemoryStore();
  const record = await storeEncrypted(store, 1, old);
  const { operation } = clockedOperation();
  const { surroundings, signal } = operation;
  {
    await using _held = await acquireLock(store, job, {
      owner: { ...owner, command: "backup" },
      ...surroundings,
      signal,
    });
    assert.equal(
      (await failure(rotateAll(store, [record], [one], having(operation, old)))).code,
      "locked.job",
    );
  }
  await rotateAll(store, [record], [one], having(operation, old));
  assert.deepEqual((await keys(store)).filter((key) => key.startsWith(".locks")), []);
});

Deno.test("rotate() that any fault of the store breaks off leaves a key that opens the backup", async () => {
  const [old, one, two] = await pairs();
  const operation = { ...clockedOperation().operation, workers: 1 };
  const rotated = new MemoryStore();
  const record = await storeEncrypted(rotated, 1, old);
  await rotateAll(rotated, [record], [one], having(operation, old));
  await withEveryFault(async (wrap, title) => {
    const store = new MemoryStore();
    for (const key of await keys(rotated)) await store.put(key, once(await bytesOf(rotated, key)));
    const { done } = await rotateAll(wrap(store), [record], [two], having(operation, one))
      .catch(() => ({ done: [] }));
    await open(store, record, having(operation, old));
    await open(store, record, having(operation, done.length > 0 ? two : one)).catch(async (error) => {
      // What failed after the new header was in place may have removed the one before.
      assert.equal(done.length, 0, title);
      await open(store, record, having(operation, two)).catch(() =>
        assert.fail(`${title}: ${error.message}`)
      );
    });
  });
});
