/**
 * A backup: snapshot, archive, store, record.
 *
 * @module
 */
import { recipientsOf } from "./age/recipients.ts";
import { ArchiveWriter, type PartWriter } from "./archive/writer.ts";
import { type ArchiveHeader, archiveHeader, type BackupRecord, FORMAT_VERSION } from "./archive/format.ts";
import { FramePool } from "./archive/frame_pool.ts";
import { archiveKey, besideArchive, compactTime } from "./catalog/keys.ts";
import { readRecord, recordBytes } from "./catalog/record.ts";
import { checkSeen, rememberBackup } from "./catalog/seen.ts";
import type { Job } from "./config/job.ts";
import { countKinds } from "./countable.ts";
import type { DatabaseInfo, HostedDatabase, HostedSource, SourceSummary } from "./database.ts";
import { toVaultraError, VaultraError } from "./errors.ts";
import { lockJob } from "./lock.ts";
import { eventLogger, type Operation, withTimeout } from "./operation.ts";
import { recordRun } from "./run.ts";
import { signRecord } from "./signing/signature.ts";
import { SigningKey } from "./signing/signing_key.ts";
import type { ObjectStore } from "./store.ts";
import { freed, once } from "./streams/blocks.ts";
import { VERSION } from "./version.ts";

/** Who runs the backup, as its lock names the holder to others. */
export interface BackupOwner {
  readonly host: string;
  readonly pid: number;
}

/**
 * Backs a job's database up into its store, under the job's lock. The backup exists once this resolved: the
 * record is written last. Every run, a failed one too, is written to the job's `runs/`.
 *
 * @throws {VaultraError} of every family but `damaged`; nothing is listed then.
 */
export async function backup(job: Job, owner: BackupOwner, operation: Operation): Promise<BackupRecord> {
  return await recordRun(job, "backup", operation, async (store, run) => {
    await using lock = await lockJob(store, job.name, { ...owner, command: "backup" }, run);
    using limit = withTimeout([run.signal, lock.signal], job.limits.timeout);
    return await backupLocked(job, store, { ...run, signal: limit.signal });
  });
}

/** What a backup would read, without reading it. */
export async function planBackup(job: Job, operation: Operation): Promise<DatabaseInfo> {
  await using database = await openDatabase(job, operation);
  return await database.inspect();
}

async function openDatabase(job: Job, operation: Operation): Promise<HostedDatabase> {
  const { plugin, config } = job.database;
  return await operation.host.openDatabase(plugin, config, {
    purpose: "backup",
    signal: operation.signal,
    log: eventLogger(operation.listener, plugin.plugin.name),
  });
}

async function backupLocked(job: Job, store: ObjectStore, operation: Operation): Promise<BackupRecord> {
  const { listener, surroundings } = operation;
  const started = surroundings.now();
  const id = backupIdOf(started, surroundings.randomHex(1));
  // A key that can't be used is told before anything is read.
  const signer = job.signingKey === undefined ? undefined : await SigningKey.parse(job.signingKey);
  const newest = await checkSeen(store, job.name, operation);

  listener({ type: "phase", phase: "Taking a snapshot", job: job.name });
  await using database = await openDatabase(job, operation);
  await using source = await database.backup({
    type: "full",
    only: job.only,
    exclude: job.exclude,
    excludeData: job.excludeData,
    proof: job.proof,
    parallel: job.parallel,
    limits: job.limits,
  });
  for (const warning of source.start.warnings) {
    listener({ type: "warning", code: "source", message: warning });
  }
  const redact = operation.redact ?? ((text: string) => text);
  const header = checkedHeader(headerOf(job, id, started, source, redact));

  listener({ type: "phase", phase: "Backing up", job: job.name });
  await using pool = FramePool.open(operation);
  const stored = await storeArchive(job, header, source, pool, store, operation);

  const finished = surroundings.now();
  const record: BackupRecord = {
    format: FORMAT_VERSION,
    id,
    job: job.name,
    engine: header.engine,
    engineVersion: header.engineVersion,
    type: "full",
    started: header.started,
    finished: finished.toISOString(),
    ...(header.label === undefined ? {} : { label: header.label }),
    archive: {
      name: stored.key.split("/").at(-1)!,
      size: stored.totals.size,
      sha256: stored.totals.sha256,
      compression: job.compression.name,
    },
    ...(job.encryption === undefined ? {} : { encryption: { recipients: recipientsOf(job.encryption) } }),
    manifest: stored.totals.manifest,
    objects: stored.totals.objects,
    rows: stored.totals.rows,
    raw: stored.totals.raw,
    proof: job.proof,
    // The clock may have been set back meanwhile.
    milliseconds: Math.max(0, finished.getTime() - started.getTime()),
    log: { start: source.start.position, stop: stored.summary.stop },
    warnings: stored.summary.warnings?.length ?? 0,
    tool: header.tool,
  };
  await commit(store, record, stored.key, signer, operation.signal);
  await rememberBackup(store, record, newest, operation);
  return record;
}

/** `20261124T064758Z-full-7f3a`: sorts by time, for the first two digits of four divide the second. */
function backupIdOf(started: Date, random: string): string {
  const fraction = Math.floor(started.getUTCMilliseconds() / 1000 * 256).toString(16).padStart(2, "0");
  return `${compactTime(started)}-full-${fraction}${random}`;
}

/** @param redact Masks secrets: whoever can read the archive or its record need not know the job's. */
function headerOf(
  job: Job,
  id: string,
  started: Date,
  source: HostedSource,
  redact: (text: string) => string,
): ArchiveHeader {
  return {
    format: FORMAT_VERSION,
    id,
    job: job.name,
    engine: source.start.engine,
    engineVersion: source.start.version,
    type: "full",
    started: started.toISOString(),
    ...(job.label === undefined ? {} : { label: redact(job.label) }),
    options: {
      only: job.only.map(redact),
      exclude: job.exclude.map(redact),
      excludeData: job.excludeData.map(redact),
      proof: job.proof,
    },
    properties: { ...source.start.properties },
    tool: `vaultra ${VERSION}`,
  };
}

/** A header that no reader would take makes no archive: only a plugin can have told what is wrong in it. */
function checkedHeader(header: ArchiveHeader): ArchiveHeader {
  const { error } = archiveHeader.safeParse(header);
  if (error === undefined) return header;
  throw new VaultraError(
    "plugin.start",
    `The plugin told something of the database that no archive can hold: ${
      error.issues[0]?.path.join(".") ?? "it"
    }`,
    { hint: "The plugin is at fault: tell its author.", cause: error },
  );
}

/** Moves the bytes: the source's entries into the archive, the archive into the store, both at once. */
async function storeArchive(
  job: Job,
  header: ArchiveHeader,
  source: HostedSource,
  pool: FramePool,
  store: ObjectStore,
  operation: Operation,
) {
  const key = archiveKey(job.name, header.id, job.compression.name, job.encryption !== undefined);
  const writer = new ArchiveWriter({
    header,
    instructions: source.start.instructions,
    position: source.start.position,
    compression: job.compression.name,
    level: job.compression.level,
    encryption: job.encryption,
    pool,
    signal: operation.signal,
  });
  const read = async () => {
    try {
      await readSource(source, writer, operation);
      const found = await source.finish();
      operation.listener({ type: "objects", kinds: countKinds(found.objects) });
      const late = found.warnings ?? [];
      for (const message of late) operation.listener({ type: "warning", code: "source", message });
      const warnings = [...source.start.warnings, ...late].map(operation.redact ?? ((text) => text));
      const summary: SourceSummary = { ...found, warnings };
      return { summary, totals: await writer.finish(summary, operation.surroundings.now()) };
    } catch (error) {
      writer.abort(toVaultraError(error));
      throw error;
    }
  };
  const put = store.put(key, freed(writer.output), { ifAbsent: true, signal: operation.signal });
  // A store may fail before it takes the first byte: the reader would wait for ever.
  put.catch((error) => writer.abort(error));
  const [archived, object] = await Promise.allSettled([read(), put]);
  // The first to fail ends the other. A reader that fails because its output is taken no longer is not the cause.
  if (archived.status === "rejected") {
    const closed = toVaultraError(archived.reason).code === "failed.output-closed";
    throw toVaultraError(closed && object.status === "rejected" ? object.reason : archived.reason);
  }
  if (object.status === "rejected") throw toVaultraError(object.reason);
  if (object.value.size !== archived.value.totals.size) {
    throw new VaultraError(
      "store.incomplete",
      `${store.displayName} holds ${object.value.size} bytes of "${key}", but ${archived.value.totals.size} were sent`,
      { hint: "Nothing was recorded. Check the store, then run the backup again." },
    );
  }
  return { key, ...archived.value };
}

/** Takes the source's entries, which may interleave, into the archive. */
async function readSource(source: HostedSource, writer: ArchiveWriter, operation: Operation): Promise<void> {
  const open = new Map<number, PartWriter>();
  let bytes = 0;
  let rows = 0;
  for await (const event of source.events()) {
    operation.signal.throwIfAborted();
    if (event.type === "begin") {
      open.set(event.stream, writer.begin(event.entry));
      continue;
    }
    const part = open.get(event.stream)!;
    if (event.type === "data") {
      bytes += event.chunk.bytes.length;
      await part.write(event.chunk);
    } else {
      open.delete(event.stream);
      rows += event.summary.rows ?? 0;
      await part.end(event.summary);
    }
    operation.listener({ type: "progress", bytes, total: source.start.bytes, stored: writer.stored, rows });
  }
}

/** Makes the backup exist. When even that fails, what was stored is taken back, as far as the store lets us. */
async function commit(
  store: ObjectStore,
  record: BackupRecord,
  key: string,
  signer: SigningKey | undefined,
  signal: AbortSignal,
): Promise<void> {
  const bytes = recordBytes(record);
  const beside = besideArchive(key, record.id);
  const options = { ifAbsent: true, signal };
  try {
    // What could not be read again would be a backup that is never listed.
    readRecord(bytes, record);
    if (signer !== undefined) {
      await store.put(beside.signature, once(await signRecord(bytes, signer)), options);
    }
    await store.put(beside.record, once(bytes), options);
  } catch (error) {
    try {
      // The record may be there although its answer was lost, and must not outlive its archive.
      await store.remove(beside.record);
      if (signer !== undefined) await store.remove(beside.signature);
      await store.remove(key);
    } catch {
      // A writer without the right to delete leaves an archive, whole and with its record or never listed.
    }
    throw error;
  }
}
