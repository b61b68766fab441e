/**
 * Opening a backup to read it: the one way that every operation goes, so that none forgets the signature or the key.
 *
 * @module
 */
import { readKeyHeaders } from "./age/key_headers.ts";
import { backupId, type BackupRecord } from "./archive/format.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { CountedSource } from "./archive/counted_source.ts";
import { storeSource } from "./archive/range_source.ts";
import { ArchiveReader } from "./archive/reader.ts";
import { besideArchive } from "./catalog/keys.ts";
import { VaultraError } from "./errors.ts";
import type { Operation } from "./operation.ts";
import { checkSignature, refuseUnsigned } from "./signing/signature.ts";
import type { ObjectReader } from "./store.ts";

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
  { store, key, record }: BackupLocation,
  pool: FramePool,
  operation: Operation,
): Promise<OpenBackup> {
  const { signal } = operation;
  const info = await store.stat(key);
  if (info === null) {
    throw new VaultraError("no-backup.archive", `There is no archive "${key}" in the store`, {
      hint: "Check the address. If a record names it, the archive was removed by hand: use another backup.",
    });
  }
  if (record === undefined) refuseUnsigned(operation);
  else await checkSignature(store, besideArchive(key, record.id), record, operation);
  const source = new CountedSource(storeSource(store, key, info.size, signal));
  const archive = await ArchiveReader.open(source, {
    pool,
    signal,
    ...(record === undefined ? {} : { record }),
    keyHeaders: async () => {
      const id = record?.id ?? idIn(key);
      return id === undefined
        ? []
        : await readKeyHeaders(store, besideArchive(key, id).keyHeaders, operation.listener);
    },
    ...(operation.keys === undefined ? {} : { keys: operation.keys }),
  });
  return { archive, bytesRead: () => source.bytesRead };
}

/** The backup's id, if an archive's key tells it. */
function idIn(key: string): string | undefined {
  return backupId.safeParse(/([^/]+)\.tar[^/]*$/.exec(key)?.[1]).data;
}
