/**
 * Changing who can open backups that exist, without moving data: an archive's file key is wrapped for other recipients in a
 * header of its own, which is stored beside the archive.
 *
 * The archive stays as it is. Its own header still opens with the old keys: who has one of them and can read the archive can
 * open it. Headers of earlier rotations go: whom they were made for opens the archive no longer.
 *
 * @module
 */
import { isHeaderOf, MAX_HEADER_BYTES, type OpenedFileKey, parseAgeHeader } from "./age/header.ts";
import { sealHeader } from "./age/seal_header.ts";
import type { BackupRecord } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { archiveKeyOf, keyHeaderKey, keyHeadersPrefix } from "./catalog/keys.ts";
import { readSmall } from "./catalog/read_small.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob, type LockOwner } from "./lock.ts";
import { openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import type { ObjectStore } from "./store.ts";
import { abortError } from "./streams/abortable.ts";
import { once } from "./streams/blocks.ts";
import type { Bytes } from "./streams/bytes.ts";

/** How often another name is tried when two headers of one archive are made in the same second. */
const ATTEMPTS = 5;

/** A backup that other keys open now. */
export interface Rotated {
  readonly record: BackupRecord;
  /** The new header's key in the store. */
  readonly header: string;
  /** Bytes of the new header: all that was written. */
  readonly written: number;
  /** Bytes of the archive's own header: what follows them goes with the new header, too. */
  readonly headerBytes: number;
  /** Earlier headers beside the archive that were removed. */
  readonly removed: number;
}

/** How backups are rotated. */
export interface RotateOptions {
  /** Who shall open them, as recipients of age. */
  readonly recipients: readonly string[];
  readonly owner: Pick<LockOwner, "host" | "pid">;
  /** Told of each backup that is done. */
  readonly rotated: (done: Rotated) => void;
  /** Told of each backup that is passed over. */
  readonly failed: (error: VaultraError) => void;
}

/**
 * Wraps the keys of a job's backups for other recipients, under the job's lock.
 * @param records Of encrypted backups of one job, as the store holds them.
 * @throws {VaultraError} `locked.*`; what fails of a single backup is told instead
 */
export async function rotate(
  store: ObjectStore,
  job: string,
  records: readonly BackupRecord[],
  options: RotateOptions,
  operation: Operation,
): Promise<void> {
  await using lock = await lockJob(store, job, { ...options.owner, command: "key rotate" }, operation);
  const signal = AbortSignal.any([operation.signal, lock.signal]);
  await using pool = FramePool.open({ ...operation, signal });
  for (const record of records) {
    try {
      const plan = await planRotation(store, record, pool, { ...operation, signal });
      options.rotated(await rotateOne(store, plan, options.recipients, { ...operation, signal }));
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      options.failed(toVaultraError(error));
    }
  }
}

/** A backup that can be rotated. */
export interface RotationPlan {
  readonly record: BackupRecord;
  readonly opened: OpenedFileKey;
  /** Keys in the store of the headers of earlier rotations, which the new one takes the place of. */
  readonly earlier: readonly string[];
}

/**
 * Opens an encrypted backup with the keys that the operation has. It is opened as every reader does: the file key of
 * whatever else lies in the place of the archive must not come into the hands of this backup's new recipients.
 * @throws {VaultraError} `key.not-encrypted`; what {@linkcode openBackup} throws
 */
export async function planRotation(
  store: ObjectStore,
  record: BackupRecord,
  pool: FramePool,
  operation: Operation,
): Promise<RotationPlan> {
  const { job, id, encryption } = record;
  if (encryption === undefined) {
    throw new VaultraError("key.not-encrypted", `The backup "${job}/${id}" is not encrypted`, {
      hint: "It has no key to be changed: make a new backup with --recipient, and delete this one.",
    });
  }
  const { archive } = await openBackup({ store, key: archiveKeyOf(record), record }, pool, operation);
  const earlier = (await Array.fromAsync(store.list(keyHeadersPrefix(job, id)))).map(({ key }) => key);
  // It is encrypted as its record says, or it would not have been opened.
  return { record, opened: archive.opened!, earlier };
}

async function rotateOne(
  store: ObjectStore,
  { record, opened: { fileKey, headerBytes }, earlier }: RotationPlan,
  recipients: readonly string[],
  operation: Operation,
): Promise<Rotated> {
  const { header } = await sealHeader({ recipients }, { fileKey });
  const key = await putHeader(store, record, header, operation);
  // The old ones go only when the store gives the new one back.
  const stored = parseAgeHeader(await readSmall(store, key, MAX_HEADER_BYTES, "damaged.age-header"));
  if (!isHeaderOf(stored, fileKey)) {
    throw new VaultraError(
      "store.incomplete",
      `${store.displayName} does not give "${key}" back as it was sent`,
      {
        hint: "Check the store, then rotate again; what opened the backup before opens it still.",
      },
    );
  }
  const removed = await removeHeaders(store, earlier, operation);
  return { record, header: key, written: header.length, headerBytes, removed };
}

/** @returns The header's key in the store. */
async function putHeader(
  store: ObjectStore,
  { job, id }: BackupRecord,
  header: Bytes,
  { surroundings, signal }: Operation,
): Promise<string> {
  const now = surroundings.now().getTime();
  for (let attempt = 0;; attempt++) {
    const key = keyHeaderKey(job, id, new Date(now + attempt * 1000));
    try {
      await store.put(key, once(header.slice()), { ifAbsent: true, signal });
      return key;
    } catch (error) {
      if (toVaultraError(error).code !== "store.exists" || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Removes what the new header takes the place of; what the store keeps is told. */
async function removeHeaders(
  store: ObjectStore,
  keys: readonly string[],
  { listener }: Operation,
): Promise<number> {
  let removed = 0;
  for (const key of keys) {
    try {
      await store.remove(key);
      removed++;
    } catch (error) {
      listener({
        type: "warning",
        code: "key.old-header",
        message: `The key header "${key}" could not be removed, so its keys still open the backup: ${
          toVaultraError(error).message
        }`,
        hint: "Remove it from the store when the store permits.",
      });
    }
  }
  return removed;
}
