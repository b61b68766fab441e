import assert from "node:assert/strict";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import { storeBackup } from "../../tests/fakes/stored_backup.ts";
import type { BackupRecord } from "../archive/format.ts";
import type { VaultraEvent } from "../events.ts";
import type { Operation } from "../operation.ts";
import { signRecord } from "../signing/signature.ts";
import { generateSigningKey, SigningKey } from "../signing/signing_key.ts";
import { once } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";
import { recordKey, signatureKey } from "./keys.ts";
import { MAX_RECORD_BYTES, recordBytes } from "./record.ts";
import { checkSeen, forgetBackup, rememberBackup, type SeenBackup, type SeenBackups } from "./seen.ts";

/** The id of the backup of that number. */
const idOf = (number: number) => `20261124T00000${number}Z-full-0000`;
const [old, middle, young] = [idOf(1), idOf(2), idOf(3)];
const FUTURE = "20991231T235959Z-full-ffff";

/** A memory that lasts as long as the test. */
class FakeMemory implements SeenBackups {
  readonly kept = new Map<string, SeenBackup | undefined>();
  newest(store: string, job: string) {
    return Promise.resolve(this.kept.get(`${store} ${job}`));
  }
  keep(store: string, job: string, backup: SeenBackup | undefined) {
    return Promise.resolve(void this.kept.set(`${store} ${job}`, backup));
  }
}

function setUp() {
  const store = new MemoryStore();
  const seen = new FakeMemory();
  const events: VaultraEvent[] = [];
  const operation: Pick<Operation, "seen" | "trusted" | "listener"> = {
    seen,
    listener: (event) => void events.push(event),
  };
  const put = async (key: string, bytes: Bytes) => void await store.put(key, once(bytes.slice()));
  return {
    store,
    seen,
    operation,
    add: (number: number) => storeBackup(store, number, { bytes: 10 }),
    put,
    putRecord: (record: BackupRecord) => put(recordKey(record.job, record.id), recordBytes(record)),
    remove: (id: string) => store.remove(recordKey("shop", id)),
    kept: () => seen.kept.get("memory: shop")?.id,
    /** The codes of what a look warns of. */
    look: async (trusted?: string[]) => {
      events.length = 0;
      await checkSeen(store, "shop", trusted === undefined ? operation : { ...operation, trusted });
      return events.map((event) => event.type === "warning" ? event.code : event.type);
    },
  };
}

Deno.test("checkSeen() remembers the newest backup and warns when the store has an older one or none", async () => {
  const { add, remove, look, kept } = setUp();
  assert.deepEqual(await look(), []);
  await add(1);
  await add(2);
  assert.deepEqual([await look(), kept()], [[], middle]);
  await add(3);
  assert.deepEqual([await look(), kept()], [[], young]);
  await remove(young);
  // Until there is a newer one it is told at every look.
  for (let times = 0; times < 2; times++) {
    assert.deepEqual([await look(), kept()], [["signature.older"], young]);
  }
  await remove(middle);
  await remove(old);
  assert.deepEqual([await look(), kept()], [["signature.older"], young]);
  await add(3);
  assert.deepEqual(await look(), []);
  // Other machines make backups, and delete old ones.
  await add(4);
  await remove(young);
  assert.deepEqual([await look(), kept()], [[], idOf(4)]);
});

Deno.test("checkSeen() warns when the newest record has other bytes than before", async () => {
  const { add, put, putRecord, look, kept } = setUp();
  const record = await add(1);
  assert.deepEqual(await look(), []);
  await putRecord({ ...record, rows: 7 });
  assert.deepEqual(await look(), ["signature.changed"]);
  for (const length of [0, 10, MAX_RECORD_BYTES + 1]) {
    await put(recordKey("shop", record.id), new Uint8Array(length));
    assert.deepEqual([await look(), kept()], [["signature.changed"], record.id]);
  }
});

Deno.test("checkSeen() remembers no backup whose record is not sound, and is not stopped by it", async () => {
  const { add, put, putRecord, remove, look, kept } = setUp();
  const record = await add(1);
  const future = recordKey("shop", FUTURE);
  for (
    const bytes of [new Uint8Array(MAX_RECORD_BYTES + 1), new TextEncoder().encode("{}"), recordBytes(record)]
  ) {
    await put(future, bytes);
    assert.deepEqual([await look(), kept()], [[], old]);
  }
  await add(2);
  assert.deepEqual([await look(), kept()], [[], middle]);
  // It hides nothing while it lies there.
  await remove(middle);
  assert.deepEqual(await look(), ["signature.older"]);
  await add(2);
  await remove(FUTURE);
  assert.deepEqual(await look(), []);
  await putRecord({ ...record, id: FUTURE, archive: { ...record.archive, name: `${FUTURE}.tar` } });
  assert.deepEqual([await look(), kept()], [[], FUTURE], "nothing tells that nobody made it");
});

Deno.test("checkSeen() remembers only what a trusted key signed, where signatures are asked for", async () => {
  const { add, put, putRecord, remove, look, kept } = setUp();
  const [own, forger] = await Promise.all(
    [1, 2].map(async () => await SigningKey.parse((await generateSigningKey()).pem)),
  ) as [SigningKey, SigningKey];
  const trusted = [own.publicKey];
  const sign = async (record: BackupRecord, key: SigningKey) =>
    await put(signatureKey("shop", record.id), await signRecord(recordBytes(record), key));
  const record = await add(1);
  assert.deepEqual([await look(trusted), kept()], [[], undefined]);
  await sign(record, own);
  assert.deepEqual([await look(trusted), kept()], [[], old]);
  const planted = { ...record, id: FUTURE, archive: { ...record.archive, name: `${FUTURE}.tar` } };
  await putRecord(planted);
  assert.deepEqual([await look(trusted), kept()], [[], old]);
  await sign(planted, forger);
  assert.deepEqual([await look(trusted), kept()], [[], old]);
  // Who does not know whom to trust misses nothing that is there.
  assert.deepEqual([await look([]), kept()], [[], old]);
  await remove(old);
  assert.deepEqual(await look(trusted), ["signature.older"]);
});

Deno.test("checkSeen() tells jobs and stores apart", async () => {
  const { add, look, operation, store, seen } = setUp();
  await add(1);
  assert.deepEqual(await look(), []);
  await checkSeen(store, "other", operation);
  assert.deepEqual([...seen.kept.keys()], ["memory: shop"]);
  await checkSeen(Object.assign(new MemoryStore(), { displayName: "elsewhere:" }), "shop", operation);
  assert.deepEqual([...seen.kept.keys()], ["memory: shop"]);
});

Deno.test("rememberBackup() ends the warning that a backup is missing, also of one from the future", async () => {
  const { add, putRecord, remove, look, kept, store, operation } = setUp();
  const backup = async (number: number) => {
    const newest = await checkSeen(store, "shop", operation);
    await rememberBackup(store, await add(number), newest, operation);
  };
  await backup(1);
  await backup(2);
  await remove(middle);
  assert.deepEqual(await look(), ["signature.older"]);
  await backup(3);
  assert.deepEqual([await look(), kept()], [[], young]);
  const record = await add(3);
  await putRecord({ ...record, id: FUTURE, archive: { ...record.archive, name: `${FUTURE}.tar` } });
  assert.deepEqual([await look(), kept()], [[], FUTURE]);
  // A clock that was set back, or the one that planted it: the newest in the store is another.
  await backup(4);
  assert.deepEqual([await look(), kept()], [[], FUTURE]);
  await remove(FUTURE);
  assert.deepEqual(await look(), ["signature.older"]);
  await backup(5);
  assert.deepEqual([await look(), kept()], [[], idOf(5)]);
});

Deno.test("forgetBackup() remembers what is the newest after one was deleted on purpose", async () => {
  const { add, remove, look, kept, store, operation } = setUp();
  for (const number of [1, 2, 3]) await add(number);
  assert.deepEqual(await look(), []);
  const forget = async (id: string) => {
    await remove(id);
    await forgetBackup(store, { job: "shop", id }, operation);
  };
  // One that is not the newest changes nothing: a store that was set back stays suspicious.
  await forget(old);
  assert.equal(kept(), young);
  await forget(young);
  assert.deepEqual([await look(), kept()], [[], middle]);
  await forget(middle);
  assert.deepEqual([await look(), kept()], [[], undefined]);
});
