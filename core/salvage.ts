/**
 * Salvage: what is whole of a cut or damaged archive is listed, and restored as far as it goes.
 *
 * @module
 */
import { type ArchiveEntry, freeEntry } from "./archive/archive_entry.ts";
import { sections } from "./archive/entry_path.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { SalvageReader } from "./archive/salvage_reader.ts";
import type { RestoreTarget } from "./database.ts";
import { VaultraError } from "./errors.ts";
import type { BackupLocation } from "./open_backup.ts";
import { type OpenDamaged, openDamaged, openDamagedPipe } from "./open_damaged.ts";
import type { Operation } from "./operation.ts";
import { SalvageParts } from "./salvage_parts.ts";
import { reportOf, type SalvageReport } from "./salvage_report.ts";
import { restoreWhole, type SalvageRestore, type SalvageTarget } from "./salvage_restore.ts";
import type { ByteStream } from "./streams/bytes.ts";

export type { SalvageTarget };

/** Where the archive comes from: a store, or a pipe. */
export type SalvageOrigin =
  | ({ readonly kind: "backup" } & BackupLocation)
  | { readonly kind: "pipe"; readonly bytes: ByteStream };

/** What a salvage found, and did when there was a target. */
export interface SalvageOutcome extends Partial<SalvageRestore> {
  readonly report: SalvageReport;
}

/**
 * Reads an archive to its last byte and tells what is whole of it; restores that, if there is a target.
 * @throws {VaultraError} `damaged.not-an-archive`, `damaged.nothing-whole`, `damaged.header`, `damaged.age-header`, `key.*`,
 * `signature.*`; `target.*`, `database.*`, `different.restored` of the restore: the target is then as it was;
 * `usage.needs-ranges`
 */
export async function salvage(
  origin: SalvageOrigin,
  target: SalvageTarget | undefined,
  operation: Operation,
): Promise<SalvageOutcome> {
  await using pool = FramePool.open(operation);
  operation.listener({ type: "phase", phase: "Looking for what is whole" });
  const record = origin.kind === "backup" ? origin.record : undefined;
  const opened = origin.kind === "pipe"
    ? await openDamagedPipe(origin.bytes, pool, operation)
    : await openDamaged(origin, pool, operation);
  const { compression } = opened;
  const reader = await SalvageReader.open(opened.stream(), {
    pool,
    signal: operation.signal,
    record,
    ...(compression === undefined ? {} : { compression }),
  });
  const found = followed(reader, opened, operation);
  if (target !== undefined && opened.source === undefined) {
    const first = await found.next();
    if (first.done) throw nothingWhole();
    const done = await restoreWhole(target, reader, record, operation, async (into, plan) => {
      if (plan.mode === "pull") throw needsRanges();
      await writeInOrder(into, first.value, found, operation);
    });
    return { report: reportOf(reader, opened), ...done };
  }
  for await (const entry of found) freeEntry(entry);
  refuseUnproven(reader, operation);
  const report = reportOf(reader, opened);
  if (target === undefined) return { report };
  if (report.totals.whole === 0) throw nothingWhole();
  const parts = new SalvageParts(reader, opened, pool, operation);
  const done = await restoreWhole(
    target,
    reader,
    record,
    operation,
    (into, plan) => plan.mode === "pull" ? into.pull(parts) : parts.writeTo(into),
  );
  return { report, ...done };
}

/**
 * Refuses parts that no signature vouches for, where signatures are asked for: the record's reaches them through manifest and
 * index.
 * @throws {VaultraError} `signature.unproven`
 */
function refuseUnproven({ isListed }: SalvageReader, { trusted }: Operation): void {
  if (trusted === undefined || isListed) return;
  throw new VaultraError(
    "signature.unproven",
    "The archive's manifest or index is lost, so that no signature vouches for what is left",
    {
      hint:
        "Whoever can write to the store can forge such an archive. To salvage it all the same, use a configuration without signing.",
    },
  );
}

/** The whole entries, with the progress told. */
async function* followed(
  reader: SalvageReader,
  { size, bytesRead }: OpenDamaged,
  { listener, signal }: Operation,
): AsyncGenerator<ArchiveEntry, void> {
  for await (const entry of reader.entries()) {
    signal.throwIfAborted();
    const stored = bytesRead();
    listener({ type: "progress", bytes: stored, stored, ...(size === undefined ? {} : { total: size }) });
    yield entry;
  }
}

/** Writes entries as they come out of a pipe; what comes after a later one is told and left out. */
async function writeInOrder(
  into: RestoreTarget,
  first: ArchiveEntry,
  rest: AsyncIterable<ArchiveEntry>,
  { listener }: Operation,
): Promise<void> {
  let late = 0;
  let section = 0;
  const parts = new Map<string, number>();
  const write = async (entry: ArchiveEntry) => {
    const order = sections.indexOf(entry.section);
    const object = `${entry.section}/${entry.object ?? entry.path}`;
    if (order < section || entry.part <= (parts.get(object) ?? -1)) {
      late++;
      return;
    }
    section = order;
    parts.set(object, entry.part);
    await into.write(entry);
  };
  await write(first);
  for await (const entry of rest) await write(entry);
  if (late === 0) return;
  listener({
    type: "warning",
    code: "salvage",
    message: `${late} whole parts were left out, for they came after later ones`,
    hint: "Save the archive as a file and salvage that: then the order does not matter.",
  });
}

function nothingWhole(): VaultraError {
  return new VaultraError("damaged.nothing-whole", "No part of the archive is whole", {
    hint:
      "If another program compressed it again, make it a plain .tar (zstd -dc, gzip -dc) and salvage that; else use another backup.",
  });
}

function needsRanges(): VaultraError {
  return new VaultraError(
    "usage.needs-ranges",
    "What is whole can't be restored from a pipe for this engine",
    {
      hint: "Save the archive as a file and give its path.",
    },
  );
}
