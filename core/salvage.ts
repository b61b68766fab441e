/**
 * Salvage: what is whole of a cut or damaged archive is listed, and restored as far as it goes.
 *
 * @module
 */
import { type ArchiveEntry, freeEntry } from "./archive/archive_entry.ts";
import type { BackupRecord, Manifest } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { sourceObject } from "./archive/manifest.ts";
import { sections } from "./archive/entry_path.ts";
import type { WholePart } from "./archive/salvage_inventory.ts";
import { readWhole, SalvageReader } from "./archive/salvage_reader.ts";
import { compareObjects, type Comparison, expectedObjects, refuseDifferences } from "./compare.ts";
import type { Configured } from "./config/job.ts";
import type {
  PartReader,
  ProofLevel,
  RestorePlan,
  RestoreReport,
  RestoreTarget,
  Section,
} from "./database.ts";
import { VaultraError } from "./errors.ts";
import { OTHER_BACKUP } from "./hints.ts";
import { type OpenDamaged, openDamaged, openDamagedPipe } from "./open_damaged.ts";
import type { Operation } from "./operation.ts";
import { openTarget, refuseConflicts, refuseUnable } from "./restore.ts";
import { reportOf, type SalvageReport, totalsOf } from "./salvage_report.ts";
import type { BackupLocation } from "./open_backup.ts";
import { joinBlocks } from "./streams/blocks.ts";
import type { Bytes, ByteStream } from "./streams/bytes.ts";

/** Where the archive comes from: a store, or a pipe. */
export type SalvageOrigin =
  | ({ readonly kind: "backup" } & BackupLocation)
  | { readonly kind: "pipe"; readonly bytes: ByteStream };

/** Where what is whole is restored to, and what of it. */
export interface SalvageTarget {
  /** Finds the target, by the engine that the archive tells; undefined when neither it nor a record does any more. */
  readonly database: (engine: string | undefined) => Promise<Configured>;
  /** Takes the script of `--to sql:…`; absent: the target itself is written. */
  readonly script?: (script: ByteStream) => Promise<void>;
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly ifExists: "fail" | "replace" | "append";
  /** Asked before a target that holds something is changed; absent: never asked. */
  readonly confirm?: (plan: RestorePlan) => Promise<void>;
}

/** What a salvage found and did. */
export interface SalvageOutcome {
  readonly report: SalvageReport;
  /** Of the restore, when there was one. */
  readonly plan?: RestorePlan;
  readonly restored?: RestoreReport;
  /** How what was restored was compared with the manifest; absent when there is none any more. */
  readonly comparison?: Comparison;
}

/**
 * Reads an archive to its last byte and tells what is whole of it; restores that, if there is a target.
 * @throws {VaultraError} `damaged.not-an-archive`, `damaged.nothing-whole`, `damaged.age-header`, `key.*`; `target.*`,
 * `database.*`, `different.restored` of the restore: the target is then as it was; `usage.needs-ranges`
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
  warnUnproven(reader, operation);
  const report = reportOf(reader, opened);
  if (target === undefined) return { report };
  if (report.totals.whole === 0) throw nothingWhole();
  const parts = new WholeParts(reader, opened, pool, operation);
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
 * Where signatures are asked for, a part is proven by the record's signature through manifest and index: when one of these is
 * lost, that is told.
 */
function warnUnproven({ manifest, inventory }: SalvageReader, { trusted, listener }: Operation): void {
  if (trusted === undefined || (manifest !== undefined && inventory.damagedPieces.length === 0)) return;
  listener({
    type: "warning",
    code: "signature.unproven",
    message: "No signature vouches for these parts, for the archive's manifest or index is lost",
    hint: "Each has the SHA-256 of its own header; whoever could write the archive could also forge both.",
  });
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

/** Restores what `feed` gives the target, and compares it with the manifest as far as there is one. */
async function restoreWhole(
  target: SalvageTarget,
  reader: SalvageReader,
  record: BackupRecord | undefined,
  operation: Operation,
  feed: (into: RestoreTarget, plan: RestorePlan) => Promise<void>,
): Promise<Omit<SalvageOutcome, "report">> {
  const told = reader.header ?? record;
  const configured = await target.database(told?.engine);
  const engine = told?.engine ?? configured.plugin.plugin.name;
  await using database = await openTarget(
    { target: () => Promise.resolve(configured) },
    { engine, id: told?.id ?? reader.manifest?.id ?? "" },
    operation,
  );
  const output = target.script === undefined ? "database" : "sql";
  const { only, exclude, ifExists } = target;
  refuseUnable({ output, only, exclude }, database, engine);
  const proof = reader.header?.options.proof ?? record?.proof ?? "rows";
  await using into = await database.restore({
    only,
    exclude,
    schemaOnly: false,
    dataOnly: false,
    ifExists,
    output,
    salvage: true,
    proof,
    version: told?.engineVersion ?? "",
    properties: reader.header?.properties ?? {},
    ...(reader.manifest === undefined ? {} : { objects: reader.manifest.objects.map(sourceObject) }),
    bytes: totalsOf(reader.inventory.objects()).raw,
  });
  const plan = await into.plan();
  refuseConflicts(plan);
  await target.confirm?.(plan);
  operation.listener({ type: "phase", phase: "Restoring what is whole" });
  await feed(into, plan);
  operation.listener({ type: "phase", phase: "Checking the result" });
  await target.script?.(into.script());
  const restored = await into.commit();
  for (const warning of restored.warnings) {
    operation.listener({ type: "warning", code: "salvage", message: warning });
  }
  if (reader.manifest === undefined || output === "sql") return { plan, restored };
  const comparison = compareWhole(reader, reader.manifest, restored, proof);
  refuseDifferences(restored.target, comparison);
  return { plan, restored, comparison };
}

/** Holds what was restored against the manifest, but for objects of which parts are missing. */
function compareWhole(
  { inventory }: SalvageReader,
  manifest: Manifest,
  restored: RestoreReport,
  proof: ProofLevel,
): Comparison {
  const names = restored.objects.map(({ name }) => name);
  const isAll = manifest.objects.every(({ name }) => names.includes(name));
  const expected = expectedObjects(manifest.objects, restored, isAll ? undefined : names);
  const partial = new Set<number | undefined>();
  for (const { object, missing } of inventory.objects()) if (missing.length > 0) partial.add(object);
  return compareObjects(expected.filter(({ object }) => !partial.has(object)), restored.objects, proof);
}

/** Reads the whole parts of an archive again, by ranges. */
class WholeParts implements PartReader {
  readonly #reader: SalvageReader;
  readonly #opened: OpenDamaged;
  readonly #pool: FramePool;
  readonly #operation: Operation;
  #bytes = 0;

  constructor(reader: SalvageReader, opened: OpenDamaged, pool: FramePool, operation: Operation) {
    this.#reader = reader;
    this.#opened = opened;
    this.#pool = pool;
    this.#operation = operation;
  }

  /** Lengths of missing parts too, as far as they are known: what comes after an unknown one has no place. */
  layout(section: Section, object: number): Promise<readonly number[]> {
    return Promise.resolve(this.#reader.inventory.layout(section, object));
  }

  /** @throws {VaultraError} `damaged.missing-part` */
  async read(section: Section, object: number, part: number): Promise<Bytes> {
    const found = this.#reader.inventory.part(section, object, part);
    if (found === undefined) {
      throw new VaultraError(
        "damaged.missing-part",
        `Part ${part} of object ${object} is missing or damaged`,
        {
          hint: OTHER_BACKUP,
        },
      );
    }
    return joinBlocks((await this.#read(found)).bytes);
  }

  /** Writes every whole entry, in the order of a restore. */
  async writeTo(target: RestoreTarget): Promise<void> {
    for (const part of this.#reader.inventory.whole()) {
      const { bytes } = await this.#read(part);
      await target.write({ ...part, bytes });
    }
  }

  async #read(part: WholePart): Promise<ArchiveEntry> {
    const { signal, listener } = this.#operation;
    signal.throwIfAborted();
    const { source, bytesRead } = this.#opened;
    const stream = source!.stream(part.offset, part.stored);
    const entry = await readWhole(stream, part, this.#reader.compression, { pool: this.#pool, signal });
    this.#bytes += part.raw;
    listener({ type: "progress", bytes: this.#bytes, stored: bytesRead() });
    return entry;
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
