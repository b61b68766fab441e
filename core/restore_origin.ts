/**
 * Where a restore reads: an archive by ranges, or one that comes out of a pipe.
 *
 * @module
 */
import type { FramePool } from "./archive/frame_pool.ts";
import { PipeReader } from "./archive/pipe_reader.ts";
import type { ArchiveReader } from "./archive/reader.ts";
import { type BackupLocation, type OpenBackup, openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { refuseUnsigned } from "./signing/signature.ts";
import type { ByteStream } from "./streams/bytes.ts";
import { tapped } from "./streams/tapped.ts";

/** Where the archive comes from. */
export type RestoreOrigin =
  | ({ readonly kind: "backup" } & BackupLocation)
  | { readonly kind: "opened"; readonly backup: OpenBackup }
  | { readonly kind: "pipe"; readonly bytes: ByteStream };

/** An archive that was opened, and how many bytes were read of it so far. */
export interface OpenOrigin extends AsyncDisposable {
  readonly reader: ArchiveReader | PipeReader;
  readonly bytesRead: () => number;
}

/**
 * Opens an archive, which proves itself as the operation asks.
 * @throws {VaultraError} `no-backup.archive`, `damaged.*`, `key.*`, `signature.*`
 */
export async function openOrigin(
  origin: RestoreOrigin,
  pool: FramePool,
  operation: Operation,
): Promise<OpenOrigin> {
  const { signal, keys } = operation;
  if (origin.kind === "pipe") {
    refuseUnsigned(operation);
    let read = 0;
    const counted = tapped(origin.bytes, (block) => {
      read += block.length;
    });
    const reader = await PipeReader.open(counted, { pool, signal, keys });
    return { reader, bytesRead: () => read, [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() };
  }
  const { archive, bytesRead } = origin.kind === "opened"
    ? origin.backup
    : await openBackup(origin, pool, operation);
  return { reader: archive, bytesRead, [Symbol.asyncDispose]: () => Promise.resolve() };
}
