/**
 * Changing who can open backups that exist, without moving data: an archive's file key is wrapped for other recipients in a
 * header of its own, which is stored beside the archive.
 *
 * The archive stays as it is. Its own header still opens with the old keys: who has one of them and can read the archive can
 * open it.
 *
 * @module
 */
import { isHeaderOf, MAX_HEADER_BYTES, parseHeader } from "./age/header.ts";
import { readKeyHeaders } from "./age/key_headers.ts";
import { openHeader } from "./age/open_header.ts";
import { sealHeader } from "./age/seal_header.ts";
import type { BackupRecord } from "./archive/format.ts";
import { storeSource } from "./archive/range_source.ts";
import { archiveKeyOf, besideArchive, keyHeaderKey, keyHeadersPrefix } from "./catalog/keys.ts";
import { readSmall } from "./catalog/read_small.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob, type LockOwner } from "./lock.ts";
import type { Operation } from "./operation.ts";
import { checkSignature } from "./signing/signature.ts";
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
  for (const record of records) {
    try {
      const opened = await openFileKey(store, record, { ...operation, signal });
      options.rotated(await rotateOne(store, record, opened, options.recipients, { ...operation, signal }));
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      options.failed(toVaultraError(error));
    }
  }
}

/** An archive's file key, and how long its own header is. Secret. */
export interface OpenedFileKey {
  readonly fileKey: Bytes;
  readonly headerBytes: number;
}

/**
 * Opens the file key of an encrypted backup with the keys that the operation has; its header proves by its MAC that it is
 * the right one.
 * @throws {VaultraError} `key.not-encrypted`, `no-backup.archive`; `damaged.*`, `key.*`, `signature.*`
 */
export async function openFileKey(
  store: ObjectStore,
  record: BackupRecord,
  operation: Operation,
): Promise<OpenedFileKey> {
  const { job, id, encryption } = record;
  const key = archiveKeyOf(record);
  if (encryption === undefined) {
    throw new VaultraError("key.not-encrypted", `The backup "${job}/${id}" is not encrypted`, {
      hint: "It has no key to be changed: make a new backup with --recipient, and delete this one.",
    });
  }
  await checkSignature(store, besideArchive(key, id), record, operation);
  const info = await store.stat(key);
  if (info === null) {
    throw new VaultraError("no-backup.archive", `The archive of "${job}/${id}" is gone`, {
      hint: "It was removed by hand: use another backup, or bring another copy of the archive.",
    });
  }
  const source = storeSource(store, key, info.size, operation.signal);
  const own = parseHeader(await source.read(0, Math.min(info.size, MAX_HEADER_BYTES)));
  const fileKey = await openHeader(own, operation.keys ?? { identities: [], passphrases: [] }, {
    recipients: encryption.recipients,
    others: () => readKeyHeaders(store, keyHeadersPrefix(job, id), operation.listener),
  });
  return { fileKey, headerBytes: own.bytes.length };
}

async function rotateOne(
  store: ObjectStore,
  record: BackupRecord,
  { fileKey, headerBytes }: OpenedFileKey,
  recipients: readonly string[],
  operation: Operation,
): Promise<Rotated> {
  const prefix = keyHeadersPrefix(record.job, record.id);
  const old = (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
  const { header } = await sealHeader({ recipients }, { fileKey });
  const key = await putHeader(store, record, header, operation);
  // The old ones go only when the store gives the new one back.
  const stored = parseHeader(await readSmall(store, key, MAX_HEADER_BYTES, "damaged.age-header"));
  if (!isHeaderOf(stored, fileKey)) {
    throw new VaultraError(
      "store.incomplete",
      `${store.displayName} does not give "${key}" back as it was sent`,
      {
        hint: "Check the store, then rotate again; what opened the backup before opens it still.",
      },
    );
  }
  const removed = await removeHeaders(store, old, operation);
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
