/**
 * Verification, at one of three levels, each of which checks all that the one before does: `quick` what an archive says of
 * itself, `sample` some of its parts, `full` every byte.
 *
 * @module
 */
import { freeEntry } from "./archive/archive_entry.ts";
import type { BackupRecord } from "./archive/format.ts";
import type { FramePool } from "./archive/frame_pool.ts";
import { Catalog } from "./catalog/catalog.ts";
import { archiveKeyOf } from "./catalog/keys.ts";
import { putMark, type Verified, verifiedMark } from "./catalog/marks.ts";
import { countKinds, type KindCount } from "./countable.ts";
import { toVaultraError } from "./errors.ts";
import { type OpenBackup, openBackup } from "./open_backup.ts";
import type { Operation } from "./operation.ts";
import { Sample, type SampleSize } from "./sample.ts";
import type { ObjectReader, ObjectStore } from "./store.ts";
import { VERSION } from "./version.ts";

/** How much is read. */
export type VerifyLevel =
  | { readonly level: Exclude<Verified["level"], "sample"> }
  | ({ readonly level: "sample" } & SampleSize);

/** What was verified. */
export interface Verification {
  readonly id: string;
  readonly level: Verified["level"];
  /** Of a sample. */
  readonly percent?: number;
  readonly seed?: string;
  /** What the backup holds: objects, those that people count by their kinds, rows, parts and files, raw bytes. */
  readonly objects: number;
  readonly kinds: readonly KindCount[];
  readonly rows: number;
  readonly entries: number;
  readonly raw: number;
  /** Parts and files that were read and are whole, and their raw bytes. */
  readonly parts: number;
  readonly bytes: number;
  /** Bytes read from the store. */
  readonly stored: number;
}

/** How many seconds after a verification its mark may be named for, when others have the names before. */
const MARK_SECONDS = 60;
/** How many lines of the index are checked between two events. */
const LINES_PER_EVENT = 10_000;

/**
 * Verifies a backup. At every level its signature, if one is asked for, the hashes of all records that it builds on, and of its
 * archive: size, header, manifest, and the index, whose lines must add up to the manifest's figures. A sample reads some parts
 * too, and compares each with its SHA-256; `full`, the default, reads the archive once, whole, and compares every part with its
 * SHA-256 and the archive with the record's.
 * @throws {VaultraError} `damaged.*`, which names the part and its object; `no-backup.*`, `signature.*`, `key.*`; `usage.sample`
 */
export async function verify(
  store: ObjectReader,
  record: BackupRecord,
  pool: FramePool,
  operation: Operation,
  level: VerifyLevel = { level: "full" },
): Promise<Verification> {
  const { listener } = operation;
  const sample = level.level === "sample" ? new Sample(level) : undefined;
  listener({ type: "phase", phase: "Verifying", job: record.job });
  const open = await openBackup({ store, key: archiveKeyOf(record), record }, pool, operation);
  await new Catalog(store).chain(record);
  const read = { parts: 0, bytes: 0 };
  if (level.level === "full") await readAll(open, read, operation);
  else await readIndex(open, sample, operation);
  if (sample !== undefined) await readSample(open, sample, read, operation);
  const { objects, rows, entries, raw } = open.archive.manifest.totals;
  return {
    id: record.id,
    ...level,
    objects,
    kinds: countKinds(open.archive.manifest.objects),
    rows,
    entries,
    raw,
    ...read,
    stored: level.level === "full" ? record.archive.size : open.bytesRead(),
  };
}

/** What was read so far. */
interface Read {
  parts: number;
  bytes: number;
}

async function readAll({ archive, bytesRead }: OpenBackup, read: Read, operation: Operation): Promise<void> {
  const total = archive.manifest.totals.raw;
  await archive.verify((entry) => {
    operation.signal.throwIfAborted();
    read.parts++;
    read.bytes += entry.raw;
    operation.listener({ type: "progress", bytes: read.bytes, total, stored: bytesRead() });
  });
}

/** Reads all pieces of the index, and counts its lines for a sample. */
async function readIndex(
  { archive, bytesRead }: OpenBackup,
  sample: Sample | undefined,
  operation: Operation,
): Promise<void> {
  let lines = 0;
  for await (const line of archive.entries()) {
    sample?.count(line);
    if (lines++ % LINES_PER_EVENT > 0) continue;
    operation.signal.throwIfAborted();
    operation.listener({ type: "progress", bytes: bytesRead(), stored: bytesRead() });
  }
}

async function readSample(
  { archive, bytesRead }: OpenBackup,
  sample: Sample,
  read: Read,
  operation: Operation,
): Promise<void> {
  const total = sample.bytes;
  operation.listener({ type: "phase", phase: "Verifying a sample", job: archive.header.job });
  for await (const line of archive.entries()) {
    if (!sample.chooses(line)) continue;
    operation.signal.throwIfAborted();
    freeEntry(await archive.read(line));
    read.parts++;
    read.bytes += line.raw;
    operation.listener({
      type: "progress",
      bytes: read.bytes,
      total: Math.max(total, read.bytes),
      stored: bytesRead(),
    });
  }
}

/**
 * Leaves a mark beside the backup that says what was verified, and when. A store that takes none gives a warning: the backup is
 * as whole without it.
 */
export async function markVerified(
  store: ObjectStore,
  record: BackupRecord,
  { level, percent, seed, parts, bytes }: Verification,
  { surroundings, signal, listener }: Operation,
): Promise<void> {
  const now = surroundings.now();
  const details = {
    level,
    ...(percent === undefined ? {} : { percent }),
    ...(seed === undefined ? {} : { seed }),
    parts,
    bytes,
    tool: `vaultra ${VERSION}`,
  };
  for (let second = 0;; second++) {
    const name = verifiedMark(level, new Date(now.getTime() + second * 1000));
    try {
      return await putMark(store, record, name, { time: now.toISOString(), details });
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = toVaultraError(error);
      // Another verification of the same second has the name.
      if (code === "store.exists" && second < MARK_SECONDS) continue;
      return listener({
        type: "warning",
        code,
        message:
          `"${record.job}/${record.id}" is whole, but the mark that says so cannot be written: ${message}`,
      });
    }
  }
}
