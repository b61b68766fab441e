import assert from "node:assert/strict";
import { ageDecrypt, ageEncrypt, ageKeygen, type AgePair } from "../tests/fakes/age_program.ts";
import { failure, keys, owner } from "../tests/fakes/fake_job.ts";
import { MemoryStore } from "../tests/fakes/memory_store.ts";
import { sampleBytes, sha256 } from "../tests/fakes/sample_bytes.ts";
import { StoreDecorator } from "../tests/fakes/store_decorator.ts";
import { clockedOperation, storeBackup, withEveryFault } from "../tests/fakes/stored_backup.ts";
import { collect } from "../tests/fakes/test_archive.ts";
import { recipientFingerprint } from "./age/recipients.ts";
import type { BackupRecord } from "./archive/format.ts";
import { archiveKeyOf, keyHeadersPrefix, recordKey, signatureKey } from "./catalog/keys.ts";
import { recordBytes } from "./catalog/record.ts";
import { VaultraError } from "./errors.ts";
import { acquireLock } from "./lock.ts";
import type { Operation } from "./operation.ts";
import { openFileKey, rotate, type Rotated } from "./rotate.ts";
import type { ObjectStore } from "./store.ts";
import { joinBlocks, once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

const job = "shop";
const plain = sampleBytes(200_000, 7);

/** Keys of age that its own program made. */
async function pairs(): Promise<[AgePair, AgePair, AgePair]> {
  return [await ageKeygen(), await ageKeygen(), await ageKeygen()];
}

async function keyHeaders(store: ObjectStore, { id }: BackupRecord): Promise<string[]> {
  return (await keys(store)).filter((key) => key.startsWith(keyHeadersPrefix(job, id)));
}

/** Stores a backup whose archive the real age encrypted, without key headers and signature. */
async function storeEncrypted(store: ObjectStore, number: number, to: AgePair): Promise<BackupRecord> {
  const template = await storeBackup(store, number);
  for (const key of await keyHeaders(store, template)) await store.remove(key);
  for (const key of [archiveKeyOf(template), signatureKey(job, template.id)]) await store.remove(key);
  const archive = await ageEncrypt(plain, [to.recipient]);
  const record: BackupRecord = {
    ...template,
    archive: {
      ...template.archive,
      name: `${template.id}.tar.age`,
      size: archive.length,
      sha256: sha256(archive),
    },
    encryption: { recipients: [recipientFingerprint(to.recipient)] },
  };
  await store.put(archiveKeyOf(record), once(archive));
  await store.put(recordKey(job, record.id), once(recordBytes(record)));
  return record;
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

  const spliced = joinBlocks([header, archive.subarray(rotated!.headerBytes)]);
  for (const { identity } of [one, two]) assert.deepEqual(await ageDecrypt(spliced, identity), plain);
  await assert.rejects(ageDecrypt(spliced, old.identity));
  // The archive by itself is still the old key's.
  assert.deepEqual(await ageDecrypt(archive, old.identity), plain);
  for (const pair of [old, one, two]) await openFileKey(store, record, having(operation, pair));
  assert.equal(
    (await failure(openFileKey(store, record, having(operation, await ageKeygen())))).code,
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
  await openFileKey(store, record, having(operation, two));
  assert.equal(
    (await failure(openFileKey(store, record, having(operation, one)))).code,
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
  await store.put(archiveKeyOf(cut), once((await bytesOf(store, archiveKeyOf(cut))).slice(0, 60)));
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
  const { operation } = clockedOperation();
  await withEveryFault(async (wrap, title) => {
    const store = new MemoryStore();
    const record = await storeEncrypted(store, 1, old);
    await rotateAll(store, [record], [one], having(operation, old));
    const { done } = await rotateAll(wrap(store), [record], [two], having(operation, one))
      .catch(() => ({ done: [] }));
    await openFileKey(store, record, having(operation, old));
    await openFileKey(store, record, having(operation, done.length > 0 ? two : one)).catch(async (error) => {
      // What failed after the new header was in place may have removed the one before.
      assert.equal(done.length, 0, title);
      await openFileKey(store, record, having(operation, two)).catch(() =>
        assert.fail(`${title}: ${error.message}`)
      );
    });
  });
});
