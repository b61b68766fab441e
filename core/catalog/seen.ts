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
import type { ObjectStore } from "../store.ts";
import { Catalog } from "./catalog.ts";
import { recordBytes } from "./record.ts";

/** Stands for the hash of a record that can't be read. */
const UNREADABLE = "";

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
type Remembering = Pick<Operation, "seen" | "listener">;

/**
 * Holds the newest backup of a job in a store against the newest that was met before, and remembers it. Warns with
 * `signature.older` when the store had a newer one, and with `signature.changed` when the record has other bytes now.
 */
export async function checkSeen(
  store: ObjectStore,
  job: string,
  { seen, listener }: Remembering,
): Promise<void> {
  if (seen === undefined) return;
  const before = await seen.newest(store.displayName, job);
  const now = await newestOf(store, job);
  if (before === undefined || (now !== undefined && now.id > before.id)) {
    if (now !== undefined && now.record !== UNREADABLE) await seen.keep(store.displayName, job, now);
  } else if (now?.id !== before.id) {
    listener({
      type: "warning",
      code: "signature.older",
      message: `${
        now === undefined ? "There is no backup" : `The newest backup is ${now.id}`
      } of "${job}" in ${store.displayName}, where ${before.id} was before`,
      hint:
        "If nobody deleted that one, the store was set back to an older state: see who writes to it, and look for the " +
        "newer backup in another copy. The next backup ends this warning.",
    });
  } else if (now.record !== before.record) {
    listener({
      type: "warning",
      code: "signature.changed",
      message:
        `The record of "${job}/${now.id}" in ${store.displayName} is not the one that was there before`,
      hint: "No record is ever changed: see who writes to the store, and verify another copy of this backup.",
    });
  }
}

/** Remembers a backup that was just made. */
export async function rememberBackup(
  store: ObjectStore,
  record: BackupRecord,
  { seen }: Remembering,
): Promise<void> {
  const before = await seen?.newest(store.displayName, record.job);
  // A clock that was set back makes a backup that is not the newest.
  if (before !== undefined && before.id > record.id) return;
  await seen?.keep(store.displayName, record.job, { id: record.id, record: sha256Of([recordBytes(record)]) });
}

/** Forgets a backup that was deleted on purpose: what is the newest now takes its place. */
export async function forgetBackup(
  store: ObjectStore,
  { job, id }: { readonly job: string; readonly id: string },
  { seen }: Remembering,
): Promise<void> {
  if ((await seen?.newest(store.displayName, job))?.id !== id) return;
  const now = await newestOf(store, job);
  await seen?.keep(store.displayName, job, now?.record === UNREADABLE ? undefined : now);
}

async function newestOf(store: ObjectStore, job: string): Promise<SeenBackup | undefined> {
  const catalog = new Catalog(store);
  const newest = await catalog.newest(job);
  if (newest === undefined) return undefined;
  try {
    return { id: newest.id, record: sha256Of([await catalog.bytes(newest)]) };
  } catch (error) {
    // Whoever reads the backup is told; whoever makes the next one must not be kept from it.
    const { family } = toVaultraError(error);
    if (family !== "damaged" && family !== "no-backup") throw error;
    return { id: newest.id, record: UNREADABLE };
  }
}
