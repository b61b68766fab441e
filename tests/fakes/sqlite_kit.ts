/**
 * Runs the SQLite adapter in the test's own process, with the archive kept in memory: what the host's Worker and
 * `core` do in the product.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import plugin from "../../adapters/sqlite/plugin.ts";
import type {
  BackupRequest,
  EntryInfo,
  EntrySink,
  EntryWriter,
  PartReader,
  RestoreEntry,
  RestoreReport,
  RestoreRequest,
  SourceStart,
  SourceSummary,
} from "../../core/database.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { joinBlocks } from "../../core/streams/blocks.ts";
import { type Bytes, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import { VaultraError } from "../../core/errors.ts";
import { run } from "./machine.ts";
import { buildSample, type SampleOptions } from "./sqlite_sample.ts";

/** What a backup made. */
export interface MemoryArchive {
  readonly start: SourceStart;
  readonly summary: SourceSummary;
  readonly entries: readonly RestoreEntry[];
}

/** A context that does what the host does, as far as one process can. */
export function context(signal: AbortSignal = new AbortController().signal): PluginContext {
  const ignore = () => {};
  return {
    signal,
    log: { debug: ignore, info: ignore, warn: ignore },
    purpose: "backup",
    env: {},
    syncFolder: () => Promise.resolve(),
    temporary: () => ({ [Symbol.dispose]: ignore }),
    blocking: async (_milliseconds, call) => await call(),
  };
}

/** Keeps entries in memory. `slow` is called before each buffer, as a slow pipeline would. */
class MemorySink implements EntrySink {
  readonly entries: RestoreEntry[] = [];
  readonly #slow: () => Promise<void>;
  readonly #partBytes: number;

  constructor(slow: () => Promise<void>, partBytes: number) {
    this.#slow = slow;
    this.#partBytes = partBytes;
  }

  partBytes(): number {
    return this.#partBytes;
  }

  begin(entry: EntryInfo): EntryWriter {
    const bytes: Bytes[] = [];
    const part = this.entries.filter((other) => other.section === entry.section).length;
    return {
      buffer: async () => {
        await this.#slow();
        return new Uint8Array(CHUNK_BYTES);
      },
      commit: (buffer, length) => void bytes.push(buffer.slice(0, length)),
      write: (more) => {
        bytes.push(new Uint8Array(more));
        return Promise.resolve();
      },
      end: () => void this.entries.push({ ...entry, part, rows: 0, continues: false, bytes }),
    };
  }
}

/** How a test backs up. */
export interface BackupOptions extends Partial<BackupRequest> {
  readonly staging?: string;
  readonly check?: "none" | "quick" | "full";
  readonly slow?: () => Promise<void>;
  readonly partBytes?: number;
  readonly signal?: AbortSignal;
}

/** The configuration for a path, as the configuration file would give it. */
export function configOf(path: string, keys: Record<string, unknown> = {}) {
  const result = plugin.config["~standard"].validate({ url: `sqlite:${path}`, ...keys });
  if (result instanceof Promise || result.issues) throw new TypeError(JSON.stringify(result));
  return result.value;
}

/** Backs a database up into memory. */
export async function backUp(path: string, options: BackupOptions = {}): Promise<MemoryArchive> {
  const { staging, check, slow, partBytes, signal, ...request } = options;
  const config = configOf(path, { ...(staging ? { staging } : {}), ...(check ? { check } : {}) });
  await using adapter = await plugin.open(config, context(signal));
  await using source = await adapter.backup({
    type: "full",
    only: [],
    exclude: [],
    excludeData: [],
    proof: "content",
    parallel: 1,
    limits: {},
    ...request,
  });
  const sink = new MemorySink(slow ?? (() => Promise.resolve()), partBytes ?? 16 << 20);
  await source.write(sink);
  return { start: source.start, summary: await source.finish(), entries: sink.entries };
}

/** The database file that an archive holds. */
export function fileOf(archive: MemoryArchive): Bytes {
  return joinBlocks(
    archive.entries.filter(({ section }) => section === "data").flatMap(({ bytes }) => bytes),
  );
}

/** Reads parts out of a memory archive and counts the reads. */
export class MemoryReader implements PartReader {
  reads = 0;
  readonly #archive: MemoryArchive;

  constructor(archive: MemoryArchive) {
    this.#archive = archive;
  }

  read(section: string, _object: number, part: number): Promise<Bytes> {
    this.reads++;
    const entry = this.#archive.entries.find((each) => each.section === section && each.part === part);
    if (!entry) throw new VaultraError("damaged.missing", `There is no part ${part}`);
    return Promise.resolve(joinBlocks(entry.bytes).slice());
  }

  layout(section: string): Promise<number[]> {
    const entries = this.#archive.entries.filter((entry) => entry.section === section);
    return Promise.resolve(entries.map((entry) => entry.bytes.reduce((sum, chunk) => sum + chunk.length, 0)));
  }
}

/** A request to restore everything into a new file, changed by `options`. */
export function restoreRequest(
  archive: MemoryArchive,
  options: Partial<RestoreRequest> = {},
): RestoreRequest {
  return {
    only: [],
    exclude: [],
    schemaOnly: false,
    dataOnly: false,
    ifExists: "fail",
    output: "database",
    salvage: false,
    proof: "content",
    version: archive.start.version,
    properties: archive.start.properties,
    objects: archive.summary.objects,
    bytes: archive.start.bytes,
    ...options,
  };
}

/** Restores a memory archive. */
export async function restore(
  archive: MemoryArchive,
  path: string,
  options: Partial<RestoreRequest> = {},
): Promise<RestoreReport & { script: string; bytes: Uint8Array }> {
  await using adapter = await plugin.open(configOf(path), { ...context(), purpose: "restore" });
  await using target = await adapter.restore(restoreRequest(archive, options));
  const plan = await target.plan();
  if (plan.conflicts.length > 0) {
    throw new VaultraError("target.exists", plan.conflicts.join("; "), { hint: "As core does." });
  }
  if (plan.mode === "pull") await target.pull(new MemoryReader(archive));
  else for (const entry of archive.entries) await target.write(entry);
  const chunks: Uint8Array[] = [new Uint8Array(0)];
  const { output = "database" } = options;
  if (output !== "database" && output !== "proof") {
    for await (const chunk of target.script()) chunks.push(chunk.slice());
  }
  const bytes = joinBlocks(chunks);
  return { ...await target.commit(), script: new TextDecoder().decode(bytes), bytes };
}

/** A kind of sample, as a row of a matrix of tests. */
export interface Variant extends SampleOptions {
  /** Bytes at the end of each page that SQLite leaves to an extension, which `node:sqlite` cannot ask for. */
  readonly reserved?: number;
}

/** Makes a sample of this kind. */
export function buildVariant(path: string, { reserved, ...options }: Variant): void {
  buildSample(path, options);
  if (reserved === undefined) return;
  run("sqlite3", path, `.filectrl reserve_bytes ${reserved}`, "vacuum");
  assert.equal(Deno.readFileSync(path)[20], reserved);
}

/** Closes a connection when it goes out of scope. */
export function closing(connection: DatabaseSync): DatabaseSync & Disposable {
  return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
}
