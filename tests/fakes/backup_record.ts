import { type BackupRecord, FORMAT_VERSION } from "../../core/archive/format.ts";
import { archiveKey, jobPrefix } from "../../core/catalog/keys.ts";

/**
 * A record that is sound by itself, of a backup that need not exist: its archive is said to hold ten bytes.
 * @param more What it says otherwise.
 */
export function backupRecord(job: string, id: string, more: Partial<BackupRecord> = {}): BackupRecord {
  const compression = more.archive?.compression ?? "zstd";
  const name = archiveKey(job, id, compression, more.encryption !== undefined).slice(jobPrefix(job).length);
  return {
    format: FORMAT_VERSION,
    id,
    job,
    engine: "sqlite",
    engineVersion: "3.50.2",
    type: "full",
    started: "2026-11-24T06:47:58.000Z",
    finished: "2026-11-24T06:48:58.000Z",
    archive: { name, size: 10, sha256: "0".repeat(64), compression },
    manifest: { offset: 0, stored: 5, at: 0, raw: 100, sha256: "0".repeat(64) },
    objects: 1,
    rows: 2,
    raw: 3,
    proof: "content",
    milliseconds: 4,
    log: { start: "", stop: "" },
    warnings: 0,
    tool: "vaultra 0.1.0",
    ...more,
  };
}
