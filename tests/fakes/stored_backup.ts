/**
 * Backups as a store holds them, for what moves and removes them without looking into their archives.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BackupRecord } from "../../core/archive/format.ts";
import { backupRecord } from "./backup_record.ts";
import { Catalog } from "../../core/catalog/catalog.ts";
import { archiveKeyOf, keyHeaderKey, recordKey, signatureKey } from "../../core/catalog/keys.ts";
import { recordBytes } from "../../core/catalog/record.ts";
import { VaultraError } from "../../core/errors.ts";
import type { VaultraEvent } from "../../core/events.ts";
import type { Operation } from "../../core/operation.ts";
import type { ObjectStore } from "../../core/store.ts";
import { once } from "../../core/streams/blocks.ts";
import { type Fault, FaultyStore } from "./faulty_store.ts";
import { InProcessHost } from "./in_process_host.ts";
import { sampleBytes, sha256 } from "./sample_bytes.ts";
import { collect } from "./test_archive.ts";

/** How a backup differs from the usual one. */
export interface StoredBackupOptions {
  readonly job?: string;
  readonly parent?: BackupRecord;
  /** Of the archive; default 700,000 bytes. */
  readonly bytes?: number;
}

/** Stores a backup, its number in its id: record, archive, a key header, and a signature that nobody can check. */
export async function storeBackup(
  store: ObjectStore,
  number: number,
  { job = "shop", parent, bytes = 700_000 }: StoredBackupOptions = {},
): Promise<BackupRecord> {
  const type = parent === undefined ? "full" : "incremental";
  const id = `20261124T${String(number).padStart(6, "0")}Z-${type}-0000`;
  const archive = sampleBytes(bytes, number);
  const record = backupRecord(job, id, {
    type,
    ...(parent === undefined ? {} : { parent: { id: parent.id, record: sha256(recordBytes(parent)) } }),
    archive: { name: `${id}.tar`, size: bytes, sha256: sha256(archive), compression: "none" },
  });
  await store.put(archiveKeyOf(record), once(archive));
  await store.put(keyHeaderKey(job, id, new Date("2026-11-25T00:00:00Z")), once(sampleBytes(200, number)));
  await store.put(signatureKey(job, id), once(sampleBytes(100, number)));
  await store.put(recordKey(job, id), once(recordBytes(record)));
  return record;
}

/** The ids of the backups that a store lists, each of which must be whole. */
export async function wholeBackups(store: ObjectStore): Promise<string[]> {
  const records = await Array.fromAsync(
    new Catalog(store, (event) => assert.fail(JSON.stringify(event))).list(),
  );
  for (const record of records) {
    assert.equal(sha256(await collect(await store.get(archiveKeyOf(record)))), record.archive.sha256);
  }
  return records.map(({ id }) => id);
}

/** An operation on a clock that the test moves. */
export function clockedOperation(): {
  readonly operation: Operation;
  readonly events: VaultraEvent[];
  readonly now: () => Date;
  readonly advance: (milliseconds: number) => void;
} {
  let time = Date.parse("2026-11-26T00:00:00Z");
  let random = 0;
  const events: VaultraEvent[] = [];
  const now = () => new Date(time);
  return {
    operation: {
      host: new InProcessHost(),
      signal: new AbortController().signal,
      listener: (event) => events.push(event),
      surroundings: { now, randomHex: (length) => (++random).toString(16).padStart(length * 2, "0") },
    },
    events,
    now,
    advance: (milliseconds) => void (time += milliseconds),
  };
}

const away = new VaultraError("store.unreachable", "The store is away");

/** Every way in which one call of a store may fail. */
const kindsOfFault: readonly Omit<Fault, "error" | "call">[] = [
  { method: "get" },
  { method: "get", afterBytes: 100 },
  { method: "stat" },
  { method: "list" },
  { method: "put" },
  { method: "put", afterBytes: 10 },
  { method: "put", answerLost: true },
  { method: "remove" },
  { method: "remove", answerLost: true },
];

/** Makes the calls of a store fail. */
export type Wrap = (store: ObjectStore) => ObjectStore;

/**
 * Tries something first with no fault, to see how often it calls its store, then with every one of these calls failing, in
 * every way.
 * @param trial Wraps one store.
 */
export async function withEveryFault(trial: (wrap: Wrap, title: string) => Promise<void>): Promise<void> {
  const calls = new Map<PropertyKey, number>();
  const counted: Wrap = (store) =>
    new Proxy(store, {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        calls.set(key, (calls.get(key) ?? 0) + 1);
        return value.bind(target);
      },
    });
  await trial(counted, "no fault");
  for (const kind of kindsOfFault) {
    for (let call = 1; call <= (calls.get(kind.method) ?? 0); call++) {
      const title = `${JSON.stringify(kind)}, call ${call}`;
      await trial((store) => new FaultyStore(store, [{ ...kind, call, error: away }]), title);
    }
  }
}
