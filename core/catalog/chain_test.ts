import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { backupRecord } from "../../tests/fakes/backup_record.ts";
import { MemoryStore } from "../../tests/fakes/memory_store.ts";
import type { BackupRecord } from "../archive/format.ts";
import { once } from "../streams/blocks.ts";
import { Catalog } from "./catalog.ts";
import { archiveKey, recordKey } from "./keys.ts";
import { recordBytes } from "./record.ts";

const hash = "0".repeat(64);

function recordOf(at: number, type: BackupRecord["type"], parent?: BackupRecord): BackupRecord {
  const id = `20261124T${String(at).padStart(6, "0")}Z-${type}-0000`;
  return backupRecord("orders", id, {
    type,
    ...(parent === undefined ? {} : {
      parent: { id: parent.id, record: createHash("sha256").update(recordBytes(parent)).digest("hex") },
    }),
  });
}

/** A full backup, two that build on it one after the other, and one more that builds on it. */
function family() {
  const full = recordOf(1, "full");
  const first = recordOf(2, "incremental", full);
  const second = recordOf(3, "incremental", first);
  const other = recordOf(4, "differential", full);
  return { full, first, second, other };
}

async function storeOf(...records: BackupRecord[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const record of records) {
    await store.put(archiveKey(record.job, record.id, "zstd", false), once(new Uint8Array(10)));
    await store.put(recordKey(record.job, record.id), once(recordBytes(record)));
  }
  return store;
}

Deno.test("Catalog.chain() gives a backup with all that it builds on, root first", async () => {
  const { full, first, second, other } = family();
  const catalog = new Catalog(await storeOf(full, first, second, other));
  assert.deepEqual(await catalog.chain(second), [full, first, second]);
  assert.deepEqual(await catalog.chain(other), [full, other]);
  assert.deepEqual(await catalog.chain(full), [full]);
});

Deno.test("Catalog.chain() refuses a parent that is gone, exchanged or damaged", async () => {
  const { full, first, second } = family();
  const gone = new Catalog(await storeOf(first, second));
  await assert.rejects(gone.chain(second), (error: Error & { code: string; exitCode: number }) => {
    assert.equal(error.code, "no-backup.parent");
    assert.equal(error.exitCode, 18);
    assert.ok(error.message.includes(full.id) && error.message.includes(first.id));
    return true;
  });
  for (
    const changed of [
      { ...full, rows: 3 },
      { ...full, archive: { ...full.archive, sha256: "1".repeat(64) } },
    ]
  ) {
    const exchanged = new Catalog(await storeOf(changed, first, second));
    await assert.rejects(exchanged.chain(second), { code: "damaged.chain", exitCode: 13 });
  }
  const store = await storeOf(full, first, second);
  // Another spelling of the same record is not the record that was signed or named.
  await store.put(recordKey(full.job, full.id), once(new TextEncoder().encode(JSON.stringify(full))));
  await assert.rejects(new Catalog(store).chain(second), { code: "damaged.chain" });
});

Deno.test("Catalog.chain() refuses records that make no chain", async () => {
  const { full } = family();
  const root = recordOf(1, "incremental");
  const onRoot = recordOf(2, "incremental", root);
  const fullOnFull = recordOf(3, "full", full);
  const catalog = new Catalog(await storeOf(full, root, onRoot, fullOnFull));
  for (const record of [root, onRoot, fullOnFull]) {
    await assert.rejects(catalog.chain(record), { code: "damaged.chain" });
  }
  const ownChild = {
    ...recordOf(5, "incremental"),
    parent: { id: recordOf(5, "incremental").id, record: hash },
  };
  await assert.rejects(new Catalog(await storeOf(ownChild)).chain(ownChild), { code: "damaged.chain" });
});

Deno.test("Catalog.children() tells which backups build on which, and reports what it can't read", async () => {
  const { full, first, second, other } = family();
  const store = await storeOf(full, first, second, other);
  const reported: string[] = [];
  const catalog = new Catalog(
    store,
    (event) => reported.push(event.type === "warning" ? event.code : event.type),
  );
  const expected = [[full.id, [first.id, other.id]], [first.id, [second.id]]];
  assert.deepEqual([...await catalog.children("orders")], expected);
  // A child holds its parent also when its own archive is gone: it may come back from another copy.
  await store.remove(archiveKey(second.job, second.id, "zstd", false));
  assert.deepEqual([...await catalog.children("orders")], expected);
  assert.equal(reported.length, 0);
  await store.put(recordKey(other.job, other.id), once(new TextEncoder().encode("{}")));
  // What cannot be read may build on any that is older.
  const all = [[full.id, [first.id, other.id]], [first.id, [second.id, other.id]], [second.id, [other.id]]];
  assert.deepEqual([...await catalog.children("orders")], all);
  assert.deepEqual(reported, ["damaged.record"]);
  await store.put(recordKey(full.job, full.id), once(new TextEncoder().encode("{}")));
  assert.deepEqual([...await catalog.children("orders")], all);
  assert.deepEqual([...await catalog.children("nothing")], []);
});
