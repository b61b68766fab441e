import assert from "node:assert/strict";
import { backupRecord } from "../../tests/fakes/backup_record.ts";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import type { BackupRecord } from "../archive/format.ts";
import type { VaultraEvent } from "../events.ts";
import type { VaultraError } from "../errors.ts";
import type { ObjectStore } from "../store.ts";
import { Catalog } from "./catalog.ts";
import { archiveKey, recordKey } from "./keys.ts";
import { MAX_RECORD_BYTES, readRecord, recordBytes } from "./record.ts";

const hash = "0".repeat(64);

const ids = [
  "20261122T020000Z-full-0001",
  "20261123T020000Z-full-0002",
  "20261124T020000Z-full-0003",
] as const;

async function put(store: ObjectStore, key: string, bytes: Uint8Array<ArrayBuffer> | string): Promise<void> {
  const block = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  await store.put(
    key,
    (async function* () {
      yield await Promise.resolve(block);
    })(),
  );
}

/** Puts a backup: an archive of 10 bytes, and its record. */
async function putBackup(store: ObjectStore, job: string, id: string): Promise<void> {
  await put(store, archiveKey(job, id, "zstd", false), "0123456789");
  await put(store, recordKey(job, id), recordBytes(backupRecord(job, id)));
}

/** Two jobs' backups, with all that lies beside records. */
async function filled(): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const id of [ids[2], ids[0]]) await putBackup(store, "orders", id);
  await putBackup(store, "billing", ids[1]);
  await put(store, archiveKey("orders", ids[1], "zstd", false), "an archive without a record");
  await put(store, `orders/marks/${ids[0]}.verified`, "{}");
  await put(store, "orders/runs/20261124T020000Z.json", "{}");
  await put(store, ".locks/orders", "{}");
  await put(store, "foreign/readme.txt", "hello");
  await put(store, "unfinished/20261124T020000Z-full-0003.tar.zst", "an archive without a record");
  return store;
}

Deno.test("Catalog.list() gives the backups of all jobs or of one, oldest first", async () => {
  const catalog = new Catalog(await filled());
  assert.deepEqual(await catalog.jobs(), ["billing", "orders"]);
  assert.deepEqual((await Array.fromAsync(catalog.list())).map(({ id }) => id), [...ids]);
  assert.deepEqual((await Array.fromAsync(catalog.list({ job: "orders" }))).map(({ id }) => id), [
    ids[0],
    ids[2],
  ]);
  assert.deepEqual(await Array.fromAsync(catalog.list({ job: "order" })), []);
});

Deno.test("Catalog.list() passes over what is damaged or foreign, and reports each", async () => {
  const store = await filled();
  const bad = (n: number) => `20261125T02000${n}Z-full-000${n}`;
  const forged: Record<string, Uint8Array<ArrayBuffer> | string> = {
    [bad(0)]: "",
    [bad(1)]: "[".repeat(100_000),
    [bad(2)]: recordBytes(backupRecord("orders", ids[0])),
    [bad(3)]: recordBytes(backupRecord("billing", bad(3))),
    [bad(4)]: recordBytes(backupRecord("orders", bad(4), {
      archive: { name: `${ids[0]}.tar.zst`, size: 10, sha256: hash, compression: "zstd" },
    })),
    [bad(5)]: new Uint8Array(MAX_RECORD_BYTES + 1).fill(0x20),
    [bad(6)]: '{"__proto__": {}}',
    [bad(7)]: JSON.stringify({ ...backupRecord("orders", bad(7)), format: 2 }),
    [bad(8)]: JSON.stringify({ ...backupRecord("orders", bad(8)), rows: -1 }),
    [bad(9)]: recordBytes(backupRecord("orders", bad(9))).slice(0, -20),
  };
  for (const [id, bytes] of Object.entries(forged)) await put(store, recordKey("orders", id), bytes);
  const events: VaultraEvent[] = [];
  const catalog = new Catalog(store, (event) => events.push(event));
  assert.deepEqual((await Array.fromAsync(catalog.list())).map(({ id }) => id), [...ids]);
  assert.equal(events.length, 10);
  for (const [i, event] of events.entries()) {
    assert.ok(event.type === "warning");
    assert.equal(event.code, i === 7 ? "damaged.newer-format" : "damaged.record");
    assert.ok(event.message.includes(bad(i)), event.message);
  }
  await assert.rejects(catalog.find("latest", { job: "orders" }), { code: "damaged.record" });
});

Deno.test("Catalog.list() passes over what has no whole archive any more, and reports it", async () => {
  const store = await filled();
  await store.remove(archiveKey("orders", ids[0], "zstd", false));
  await put(store, archiveKey("billing", ids[1], "zstd", false), "012345678");
  const events: VaultraEvent[] = [];
  const catalog = new Catalog(store, (event) => events.push(event));
  assert.deepEqual((await Array.fromAsync(catalog.list())).map(({ id }) => id), [ids[2]]);
  assert.deepEqual(
    events.map((event) => event.type === "warning" && [event.code, event.message]),
    [
      ["damaged.archive", `The archive of "orders/${ids[0]}" is gone`],
      ["damaged.archive", `The archive of "billing/${ids[1]}" holds 9 bytes, its record says 10`],
    ],
  );
  assert.equal((await catalog.find(ids[0])).id, ids[0]);
});

Deno.test("Catalog.find() takes an id, the beginning of one, or the latest", async () => {
  const catalog = new Catalog(await filled());
  assert.equal((await catalog.find(ids[1])).job, "billing");
  assert.equal((await catalog.find("20261122")).id, ids[0]);
  assert.equal((await catalog.find("latest", { job: "orders" })).id, ids[2]);
  assert.equal((await catalog.find("2026", { job: "billing" })).id, ids[1]);
});

Deno.test("Catalog.find() says what else there is when it finds none or several", async () => {
  const store = await filled();
  const catalog = new Catalog(store);
  await assert.rejects(catalog.find("2026"), (error: VaultraError) => {
    assert.equal(error.code, "usage.ambiguous-backup");
    for (const id of ids) assert.ok(error.hint!.includes(id));
    return true;
  });
  await assert.rejects(catalog.find("latest"), { code: "usage.ambiguous-backup" });
  await assert.rejects(catalog.find("20261122T020000Z-full-0007"), (error: VaultraError) => {
    assert.equal(error.code, "no-backup.unknown");
    assert.equal(error.exitCode, 18);
    assert.equal(error.hint, `Did you mean ${ids[0]}?`);
    return true;
  });
  await assert.rejects(catalog.find(""), { code: "no-backup.unknown" });
  await assert.rejects(catalog.find("latest", { job: "nothing" }), { code: "no-backup.unknown" });
  await put(store, recordKey("billing", ids[0]), recordBytes(backupRecord("billing", ids[0])));
  await assert.rejects(catalog.find(ids[0]), { code: "usage.ambiguous-backup" });
  assert.equal((await catalog.find(ids[0], { job: "billing" })).job, "billing");
});

Deno.test("recordBytes() is canonical: the same bytes whatever the order of keys", () => {
  const one = backupRecord("orders", ids[0]);
  const other = Object.fromEntries(Object.entries(one).reverse()) as BackupRecord;
  const text = new TextDecoder().decode(recordBytes(one));
  assert.equal(new TextDecoder().decode(recordBytes(other)), text);
  assert.ok(text.startsWith('{"archive":{"compression":"zstd","name":'));
  assert.ok(text.endsWith("}\n"));
  assert.deepEqual(readRecord(recordBytes(one), one), one);
});

Deno.test("readRecord() refuses a record of another type than its id tells", () => {
  const sound = backupRecord("orders", ids[0]);
  for (const type of ["incremental", "differential"] as const) {
    assert.throws(() => readRecord(recordBytes({ ...sound, type })), { code: "damaged.record" });
    assert.throws(() => readRecord(recordBytes({ ...sound, type }), sound), { code: "damaged.record" });
  }
});
