/**
 * What this machine remembers of a store, so that a store that was set back to an older state does not pass for the present one:
 * its old records and their signatures were all true once.
 *
 * @module
 */
import { sha256Of } from "../archive/archive_entry.ts";
import type { BackupRecord } from "../archive/format.ts";
import { toVaultraError } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { checkSignature } from "../signing/signature.ts";
import type { ObjectStore } from "../store.ts";
import { Catalog } from "./catalog.ts";
import { type Named, recordKey, signatureKey } from "./keys.ts";
import { readRecord, recordBytes } from "./record.ts";

/** A backup that was met. */
export interface SeenBackup {
  readonly id: string;
  /** The SHA-256 of its record's bytes. */
  readonly record: string;
}

/** The memory: the newest backup that was met of each job in each store. Never fails: what it can't keep is not remembered. */
export interface SeenBackups {
  /** @param store The store's {@linkcode ObjectStore.displayName}. */
  newest(store: string, job: string): Promise<SeenBackup | undefined>;
  /** @param backup Takes the place of what was kept; absent: nothing is remembered any more. */
  keep(store: string, job: string, backup: SeenBackup | undefined): Promise<void>;
}

/** What remembering takes of an operation. */
type Remembering = Pick<Operation, "seen" | "trusted" | "listener">;

/**
 * Looks for the newest backup that was met before of a job in a store. Warns with `signature.older` when it is gone and the
 * store has no newer one, and with `signature.changed` when its record has other bytes now. What is newer is remembered.
 * @returns The newest backup that may be remembered, for {@linkcode rememberBackup}; `undefined` without a memory, too
 */
export async function checkSeen(
  store: ObjectStore,
  job: string,
  operation: Remembering,
): Promise<SeenBackup | undefined> {
  const { seen, listener } = operation;
  if (seen === undefined) return undefined;
  const before = await seen.newest(store.displayName, job);
  const newest = await newestOf(store, job, operation);
  if (before === undefined || (newest !== undefined && newest.id > before.id)) {
    if (newest !== undefined) await seen.keep(store.displayName, job, newest);
    return newest;
  }
  const record = await recordOf(store, { job, id: before.id });
  if (record === undefined) {
    listener({
      type: "warning",
      code: "signature.older",
      message: `${
        newest === undefined ? "There is no backup" : `The newest backup is ${newest.id}`
      } of "${job}" in ${store.displayName}, where ${before.id} was before`,
      hint:
        "If nobody deleted that one, the store was set back to an older state: see who writes to it, and look for the " +
        "newer backup in another copy. The next backup ends this warning.",
    });
  } else if (record !== before.record) {
    listener({
      type: "warning",
      code: "signature.changed",
      message:
        `The record of "${job}/${before.id}" in ${store.displayName} is not the one that was there before`,
      hint: "No record is ever changed: see who writes to the store, and verify another copy of this backup.",
    });
  }
  return newest;
}

/**
 * Remembers a backup that was just made, in place of whatever was remembered: one that is not in the store any more must not
 * be missed for ever.
 * @param newest What {@linkcode checkSeen} found before it was made: a clock that was set back makes one that is not the newest.
 */
export async function rememberBackup(
  store: ObjectStore,
  record: BackupRecord,
  newest: SeenBackup | undefined,
  { seen }: Remembering,
): Promise<void> {
  const made = { id: record.id, record: sha256Of([recordBytes(record)]) };
  await seen?.keep(
    store.displayName,
    record.job,
    newest !== undefined && newest.id > made.id ? newest : made,
  );
}

/** Forgets a backup that was deleted on purpose: what is the newest now takes its place. */
export async function forgetBackup(
  store: ObjectStore,
  { job, id }: Named,
  operation: Remembering,
): Promise<void> {
  const { seen } = operation;
  if ((await seen?.newest(store.displayName, job))?.id !== id) return;
  await seen?.keep(store.displayName, job, await newestOf(store, job, operation));
}

/**
 * The newest backup that may be remembered: its record is sound and, where signatures are asked for, signed by a key that is
 * trusted. Whoever can write to the store could else have a backup remembered that never was.
 */
async function newestOf(
  store: ObjectStore,
  job: string,
  { trusted, listener }: Remembering,
): Promise<SeenBackup | undefined> {
  const catalog = new Catalog(store);
  for (const named of (await catalog.named(job)).toReversed()) {
    try {
      const bytes = await catalog.bytes(named);
      const record = readRecord(bytes, named);
      const keys = { record: recordKey(job, named.id), signature: signatureKey(job, named.id) };
      if (trusted !== undefined) await checkSignature(store, keys, record, { trusted, listener });
      return { id: named.id, record: sha256Of([bytes]) };
    } catch (error) {
      // Whoever reads that backup is told; whoever makes the next one must not be kept from it.
      if (!["damaged", "no-backup", "signature"].includes(toVaultraError(error).family)) throw error;
    }
  }
  return undefined;
}

/** The SHA-256 of a record's bytes as they are stored, whatever they say; `undefined` when there is none. */
async function recordOf(store: ObjectStore, named: Named): Promise<string | undefined> {
  try {
    return sha256Of([await new Catalog(store).bytes(named)]);
  } catch (error) {
    const { family } = toVaultraError(error);
    if (family === "no-backup") return undefined;
    // More bytes than a record can have are not those that were there.
    if (family === "damaged") return "";
    throw error;
  }
}
