/**
 * Verification: an archive is read whole, and every byte of it is checked.
 *
 * @module
 */
import type { BackupRecord } from "./archive/format.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { archiveKeyOf } from "./catalog/keys.ts";
import { openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import type { ObjectReader } from "./store.ts";

/** What was verified. */
export interface Verification {
  readonly id: string;
  readonly objects: number;
  readonly rows: number;
  readonly entries: number;
  /** Raw bytes, and bytes read from the store. */
  readonly raw: number;
  readonly stored: number;
}

/**
 * Reads a backup's archive once, whole, and checks it: its size and SHA-256 against the record, its header,
 * manifest and index against each other, every part against its SHA-256.
 * @throws {VaultraError} `damaged.*`, which names the part and its object; `no-backup.archive`.
 */
export async function verify(
  store: ObjectReader,
  record: BackupRecord,
  pool: FramePool,
  operation: Operation,
): Promise<Verification> {
  operation.listener({ type: "phase", phase: "Verifying", job: record.job });
  const { archive, bytesRead } = await openBackup(
    { store, key: archiveKeyOf(record), record },
    pool,
    operation,
  );
  const { totals } = archive.manifest;
  let bytes = 0;
  await archive.verify((entry) => {
    operation.signal.throwIfAborted();
    bytes += entry.bytes.reduce((sum, block) => sum + block.length, 0);
    operation.listener({ type: "progress", bytes, total: totals.raw, stored: bytesRead() });
  });
  return {
    id: record.id,
    objects: totals.objects,
    rows: totals.rows,
    entries: totals.entries,
    raw: totals.raw,
    stored: record.archive.size,
  };
}
