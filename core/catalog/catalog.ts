import type { BackupRecord } from "../archive/format.ts";
import { toVaultraError, VaultraError } from "../errors.ts";
import type { Listener } from "../events.ts";
import type { ObjectReader } from "../store.ts";
import { nearest } from "../text/nearest.ts";
import { archiveKeyOf, jobPrefix, parseKey, recordKey } from "./keys.ts";
import { readSmall } from "./read_small.ts";
import { MAX_RECORD_BYTES, readRecord } from "./record.ts";

/** Which backups. */
export interface CatalogQuery {
  /** Only this job's. */
  readonly job?: string;
}

/** A backup as its record's key names it. */
interface Named {
  readonly job: string;
  readonly id: string;
}

/** What a listing of the store tells. */
interface Listed {
  /** The records' names, oldest first. */
  readonly records: readonly Named[];
  /** The archives' sizes by key. */
  readonly archives: ReadonlyMap<string, number>;
}

/** The backups in a store: those that have a record. Nothing in a record is trusted before it was checked. */
export class Catalog {
  readonly #reader: ObjectReader;
  readonly #listener: Listener;

  /** @param listener Is told, as a warning, of every record that is passed over. */
  constructor(reader: ObjectReader, listener: Listener = () => {}) {
    this.#reader = reader;
    this.#listener = listener;
  }

  /** The names of all jobs that have a backup, sorted. */
  async jobs(): Promise<string[]> {
    return [...new Set((await this.#listed()).records.map(({ job }) => job))].sort();
  }

  /**
   * The backups, oldest first. One whose record is damaged or foreign, or whose archive is gone or cut, is passed over
   * and reported: nothing is listed that surely can't be restored.
   */
  async *list(query: CatalogQuery = {}): AsyncGenerator<BackupRecord> {
    const { records, archives } = await this.#listed(query.job);
    for (const named of records) {
      try {
        const record = await this.read(named);
        checkArchive(record, archives.get(archiveKeyOf(record)));
        yield record;
      } catch (error) {
        const { family, code, message, hint } = toVaultraError(error);
        if (family === "no-backup") continue;
        if (family !== "damaged") throw error;
        this.#listener({ type: "warning", code, message, ...(hint === undefined ? {} : { hint }) });
      }
    }
  }

  /**
   * The one backup that a person named.
   * @param name An id, the beginning of one, or `latest`.
   * @throws {VaultraError} `no-backup.unknown`, `usage.ambiguous-backup`; `damaged.record` when its record is
   * not sound: nothing older is taken in its place.
   */
  async find(name: string, query: CatalogQuery = {}): Promise<BackupRecord> {
    const { records: all } = await this.#listed(query.job);
    if (name === "latest") {
      const latest = all.at(-1);
      if (latest && all.some(({ job }) => job !== latest.job)) {
        throw new VaultraError("usage.ambiguous-backup", '"latest" names one backup of each job', {
          hint: `Say which job: ${[...new Set(all.map(({ job }) => job))].sort().join(", ")}.`,
        });
      }
      if (latest) return await this.read(latest);
    }
    const exact = all.filter(({ id }) => id === name);
    const found = exact.length > 0 || name === "" ? exact : all.filter(({ id }) => id.startsWith(name));
    const [only, second] = found;
    if (only && !second) return await this.read(only);
    if (only) {
      throw new VaultraError("usage.ambiguous-backup", `"${name}" names ${found.length} backups`, {
        hint: `Name one of them: ${newest(found)}.`,
      });
    }
    throw unknown(name, query.job, all);
  }

  /**
   * The record of a backup that is named in full.
   * @throws {VaultraError} `no-backup.unknown`, `damaged.record`
   */
  async read({ job, id }: Named): Promise<BackupRecord> {
    let bytes: Uint8Array;
    try {
      bytes = await readSmall(this.#reader, recordKey(job, id), MAX_RECORD_BYTES, "damaged.record");
    } catch (error) {
      throw toVaultraError(error).code === "store.not-found" ? unknown(id, job, []) : error;
    }
    return readRecord(bytes, { job, id });
  }

  async #listed(job?: string): Promise<Listed> {
    const records: Named[] = [];
    const archives = new Map<string, number>();
    const prefix = job === undefined ? "" : jobPrefix(job);
    for await (const { key, size } of this.#reader.list(prefix)) {
      // Keys come sorted, and ids begin with a digit: what follows are the job's marks, runs and drills.
      if (job !== undefined && key.slice(prefix.length) > ":") break;
      const parsed = parseKey(key);
      if (parsed?.kind === "record") records.push({ job: parsed.job, id: parsed.id });
      else if (parsed?.kind === "archive") archives.set(key, size);
    }
    // Ids sort by time.
    records.sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : a.job < b.job ? -1 : 1);
    return { records, archives };
  }
}

/** @throws {VaultraError} `damaged.archive` when the archive is not there in the size that its record tells. */
function checkArchive({ job, id, archive }: BackupRecord, size: number | undefined): void {
  if (size === archive.size) return;
  throw new VaultraError(
    "damaged.archive",
    size === undefined
      ? `The archive of "${job}/${id}" is gone`
      : `The archive of "${job}/${id}" holds ${size} bytes, its record says ${archive.size}`,
    { hint: "Restore another backup, or bring another copy of this archive." },
  );
}

/** The newest few of them, as a list in a sentence. */
function newest(named: readonly Named[]): string {
  const shown = named.slice(-5).reverse().map(({ job, id }) => `${id} (${job})`);
  return shown.join(", ") + (named.length > shown.length ? ", …" : "");
}

function unknown(name: string, job: string | undefined, all: readonly Named[]): VaultraError {
  const close = nearest(name, all.map(({ id }) => id));
  const hint = close !== undefined
    ? `Did you mean ${close}?`
    : all.length > 0
    ? `The newest are: ${newest(all)}.`
    : "Run vaultra list backups, and check the store's address and the job's name.";
  const where = job === undefined ? "in the store" : `of job "${job}"`;
  return new VaultraError(
    "no-backup.unknown",
    name === "latest" ? `There is no backup ${where}` : `There is no backup ${JSON.stringify(name)} ${where}`,
    { hint },
  );
}
