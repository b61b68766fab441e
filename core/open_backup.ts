/**
 * Opening a backup to read it: the one way that every operation goes, so that none forgets the signature or the key.
 *
 * @module
 */
import { type KeyHeader, readKeyHeaders } from "./age/key_headers.ts";
import { backupId, type BackupRecord } from "./archive/format.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { CountedSource } from "./archive/counted_source.ts";
import { storeSource } from "./archive/range_source.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { besideArchive } from "./catalog/keys.ts";
import { VaultraError } from "./errors.ts";
import type { Operation } from "./operation.ts";
import { checkSignature, refuseUnsigned } from "./signing/signature.ts";
import type { ObjectInfo, ObjectReader } from "./store.ts";

/** A backup in a store: its archive's key and, when it has one, its record. */
export interface BackupLocation {
  readonly store: ObjectReader;
  readonly key: string;
  readonly record?: BackupRecord | undefined;
}

/** A backup that was opened. */
export interface OpenBackup {
  readonly archive: ArchiveReader;
  /** Bytes that were read from the store so far. */
  readonly bytesRead: () => number;
}

/**
 * Opens a backup's archive by ranges.
 * @throws {VaultraError} `no-backup.archive` when the store has no such object; `damaged.*`, `key.*`, `signature.*`
 */
export async function openBackup(
  location: BackupLocation,
  pool: FramePool,
  operation: Operation,
): Promise<OpenBackup> {
  const { store, key, record } = location;
  const { signal } = operation;
  const { size } = await findArchive(location);
  await checkOrigin(location, operation);
  const source = new CountedSource(storeSource(store, key, size, signal));
  const archive = await ArchiveReader.open(source, {
    pool,
    signal,
    ...(record === undefined ? {} : { record }),
    keyHeaders: keyHeadersOf(location, operation),
    ...(operation.keys === undefined ? {} : { keys: operation.keys }),
  });
  return { archive, bytesRead: () => source.bytesRead };
}

/**
 * The archive as its store describes it.
 * @throws {VaultraError} `no-backup.archive`
 */
export async function findArchive({ store, key }: BackupLocation): Promise<ObjectInfo> {
  const info = await store.stat(key);
  if (info !== null) return info;
  throw new VaultraError("no-backup.archive", `There is no archive "${key}" in the store`, {
    hint: "Check the address. If a record names it, the archive was removed by hand: use another backup.",
  });
}

/**
 * Checks that a trusted key signed the backup's record, where signatures are asked for.
 * @throws {VaultraError} `signature.*`
 */
export async function checkOrigin(
  { store, key, record }: BackupLocation,
  operation: Operation,
): Promise<void> {
  if (record === undefined) refuseUnsigned(operation);
  else await checkSignature(store, besideArchive(key, record.id), record, operation);
}

/** Reads the other headers that wrap the archive's file key, once they are asked for. */
export function keyHeadersOf(
  { store, key, record }: BackupLocation,
  { listener }: Operation,
): () => Promise<readonly KeyHeader[]> {
  return async () => {
    const id = record?.id ?? idIn(key);
    return id === undefined ? [] : await readKeyHeaders(store, besideArchive(key, id).keyHeaders, listener);
  };
}

/** The backup's id, if an archive's key tells it. */
function idIn(key: string): string | undefined {
  return backupId.safeParse(/([^/]+)\.tar[^/]*$/.exec(key)?.[1]).data;
}
