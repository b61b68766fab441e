import { sha256Of } from "../archive/archive_entry.ts";
import type { BackupRecord } from "../archive/format.ts";
import { toVaultraError, VaultraError } from "../errors.ts";
import type { Listener } from "../events.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { ObjectReader } from "../store.ts";
import type { Bytes } from "../streams/bytes.ts";
import { nearest } from "../text/nearest.ts";
import { archiveKeyOf, jobPrefix, type Named, parseKey, recordKey } from "./keys.ts";
import { readIfThere } from "./read_small.ts";
import { MAX_RECORD_BYTES, readRecord, typeOf } from "./record.ts";

/** The longest chain that is followed: more backups than any policy keeps on top of one. */
const MAX_CHAIN = 10_000;

/** Which backups. */
export interface CatalogQuery {
  /** Only this job's. */
  readonly job?: string;
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

  /** The backups of a job by their records' names alone, oldest first. */
  async named(job: string): Promise<readonly Named[]> {
    return (await this.#listed(job)).records;
  }

  /**
   * The backups, oldest first. One whose record is damaged or foreign, or whose archive is gone or cut, is passed over
   * and reported: nothing is listed that surely can't be restored.
   */
  async *list(query: CatalogQuery = {}): AsyncGenerator<BackupRecord> {
    const { records, archives } = await this.#listed(query.job);
    for (const named of records) {
      const record = await this.#readOrReport(
        named,
        (found) => checkArchive(found, archives.get(archiveKeyOf(found))),
      );
      if (record !== undefined) yield record;
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
  async read(named: Named): Promise<BackupRecord> {
    return readRecord(await this.bytes(named), named);
  }

  /**
   * The bytes of a record as they are stored: what its signature and its children's hashes are about.
   * @throws {VaultraError} `no-backup.unknown`, `damaged.record` when they are too many
   */
  async bytes({ job, id }: Named): Promise<Bytes> {
    const bytes = await readIfThere(this.#reader, recordKey(job, id), MAX_RECORD_BYTES, "damaged.record");
    if (bytes === undefined) throw unknown(id, job, []);
    return bytes;
  }

  /**
   * A backup with all that it builds on, root first. Each parent's record has the hash that its child names.
   * @throws {VaultraError} `no-backup.parent` when one is gone; `damaged.chain` when one was exchanged, or when the records
   * make no chain; `damaged.record`
   */
  async chain(record: BackupRecord): Promise<BackupRecord[]> {
    const chain = [record];
    // What a link names is vouched for by the link's own hash, so that only the first one can lie about its parent.
    for (let link = record; link.parent !== undefined;) {
      const { job, parent } = link;
      if (chain.length === MAX_CHAIN) {
        throw damagedChain(record, `it builds on more than ${MAX_CHAIN - 1} others`);
      }
      const bytes = await this.bytes({ job, id: parent.id }).catch((error) => {
        throw toVaultraError(error).family === "no-backup" ? noParent(link, parent.id) : error;
      });
      if (sha256Of([bytes]) !== parent.record) {
        throw damagedChain(record, `the record of "${job}/${parent.id}" is not the one it was built on`);
      }
      link = readRecord(bytes, { job, id: parent.id });
      chain.unshift(link);
    }
    const odd = chain.find(({ type }, at) => (type === "full") !== (at === 0));
    if (odd !== undefined) {
      throw damagedChain(
        record,
        `"${odd.job}/${odd.id}" is ${odd.type} and does not stand where such a one must`,
      );
    }
    return chain;
  }

  /**
   * Which backups of a job build on which: each parent's id with its children's, oldest first. A record that cannot be read,
   * damaged or of a newer format, is reported, and may build on any older backup unless its id says that it is full.
   */
  async children(job: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const children = new Map<string, string[]>();
    const { records } = await this.#listed(job);
    for (const [at, named] of records.entries()) {
      const record = await this.#readOrReport(named);
      const parent = record?.parent?.id;
      const mayBuildOn = record === undefined && typeOf(named.id) !== "full"
        ? records.slice(0, at).map(({ id }) => id)
        : [];
      for (const id of parent === undefined ? mayBuildOn : [parent]) {
        const siblings = children.get(id);
        if (siblings === undefined) children.set(id, [named.id]);
        else siblings.push(named.id);
      }
    }
    return children;
  }

  /** A record that passes the check; `undefined` for one that is damaged, which is reported, or was removed meanwhile. */
  async #readOrReport(
    named: Named,
    check: (record: BackupRecord) => void = () => {},
  ): Promise<BackupRecord | undefined> {
    try {
      const record = await this.read(named);
      check(record);
      return record;
    } catch (error) {
      const { family, code, message, hint } = toVaultraError(error);
      if (family === "no-backup") return undefined;
      if (family !== "damaged") throw error;
      this.#listener({ type: "warning", code, message, ...(hint === undefined ? {} : { hint }) });
      return undefined;
    }
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

function damagedChain({ job, id }: BackupRecord, why: string): VaultraError {
  return new VaultraError("damaged.chain", `The backup "${job}/${id}" cannot be restored: ${why}`, {
    hint: OTHER_BACKUP,
  });
}

function noParent({ job, id }: BackupRecord, parent: string): VaultraError {
  return new VaultraError(
    "no-backup.parent",
    `The backup "${job}/${parent}" is gone, on which "${id}" builds`,
    {
      hint: "Bring it back from another copy of the store, or restore a backup that does not build on it.",
    },
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
  const what = name === "latest" ? "" : ` ${JSON.stringify(name)}`;
  const whose = job === undefined ? "" : ` of job "${job}"`;
  return new VaultraError("no-backup.unknown", `There is no backup${what}${whose}`, { hint });
}
