import type { DatabaseSync } from "node:sqlite";
import type { PartReader, RestoreEntry } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { bookkeepingRoots } from "./chosen.ts";
import type { Engine } from "./connection.ts";
import { isCorrupt, sqliteError } from "./failure.ts";
import { clearLogMode, isMissing, PageFetch, type PageFetchOptions } from "./page_fetch.ts";
import { PageFile } from "./page_file.ts";
import { restoreFiles } from "./paths.ts";
import { takeRestoreLock } from "./restore_lock.ts";
import { temporaryDatabase } from "./temporary_database.ts";

/** The page where the tree of sqlite_schema begins. */
const SCHEMA_ROOT = 1;

/**
 * The pages of an archive, all of them or those that are needed, as a database from which SQLite itself reads. They lie
 * beside the target, under its lock, and are removed when disposed of.
 */
export class ArchivedPages implements Disposable {
  readonly #engine: Engine;
  readonly #context: PluginContext;
  readonly #target: string;
  readonly #path: string;
  readonly #stack = new DisposableStack();
  #begun = false;
  #streamed: PageFile | undefined;
  #database: DatabaseSync | undefined;

  /** @param target Absolute path of the database that a restore is made for. */
  constructor(engine: Engine, target: string, context: PluginContext) {
    this.#engine = engine;
    this.#context = context;
    this.#target = target;
    this.#path = restoreFiles(target).pages;
  }

  /** Bytes that were written in order; nothing when pages were fetched. */
  get streamed(): number | undefined {
    return this.#streamed?.bytes;
  }

  /**
   * Takes the next entry of the archive.
   * @throws {VaultraError} `damaged.order`, `target.*`
   */
  write(entry: RestoreEntry): void {
    try {
      this.#begin();
      this.#streamed ??= this.#stack.use(new PageFile(this.#path, 0o600));
      this.#streamed.write(entry);
    } catch (thrown) {
      throw sqliteError(thrown, this.#path, "target");
    }
  }

  /**
   * Fetches the schema and what is found through it.
   * @param roots Tells the pages where the trees begin that are needed.
   * @param options To salvage, trees may be lost; those of SQLite's own tables are then empty.
   * @returns Why trees are lost, by their roots.
   * @throws {VaultraError} `damaged.*`, `target.*`; `damaged.schema-lost` when what tells of the tables is lost itself
   */
  async fetch(
    reader: PartReader,
    roots: (schema: DatabaseSync) => readonly number[],
    options: PageFetchOptions = {},
  ): Promise<ReadonlyMap<number, string>> {
    let lost: ReadonlyMap<number, string> = new Map();
    try {
      this.#begin();
      using fetch = await PageFetch.create(reader, this.#path, options);
      if (fetch) {
        const why = (await fetch.fetch([SCHEMA_ROOT])).get(SCHEMA_ROOT);
        if (why !== undefined) throw schemaLost(why);
        clearLogMode(this.#path);
        const schema = this.#open();
        let wanted: readonly number[];
        let own: readonly number[];
        try {
          wanted = roots(schema);
          own = bookkeepingRoots(schema);
        } finally {
          schema.close();
        }
        lost = await fetch.fetch([...new Set(wanted)].filter((root) => root > SCHEMA_ROOT));
        for (const root of own) if (lost.has(root)) fetch.empty(root);
      }
      this.#keep();
      return lost;
    } catch (thrown) {
      if (isMissing(thrown)) throw schemaLost("the first part of the database is missing");
      throw sqliteError(thrown, this.#path, isCorrupt(thrown) ? "damaged" : "target");
    }
  }

  /**
   * The database, once its pages are there.
   * @throws {VaultraError} `damaged.pages`
   */
  database(): DatabaseSync {
    if (this.#database) return this.#database;
    const header = this.#streamed?.header();
    this.#streamed?.[Symbol.dispose]();
    if (header) clearLogMode(this.#path);
    return this.#keep();
  }

  /** Closes the database and removes it. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  /** Locks the target and clears away what a dead run left. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#stack.use(takeRestoreLock(this.#context, this.#target));
    this.#stack.use(temporaryDatabase(this.#context, this.#path));
  }

  #keep(): DatabaseSync {
    return this.#database = this.#stack.adopt(this.#open(), (connection) => connection.close());
  }

  #open(): DatabaseSync {
    const connection = this.#engine.connect(this.#path);
    connection.exec("pragma query_only = on; pragma cache_size = -32768");
    return connection;
  }
}

/**
 * Rows that are read from an archive's pages, with SQLite's failures as errors that say what to do.
 * @param what Which rows: the beginning of a sentence.
 * @throws {VaultraError} `damaged.tables`, `failed.rows`
 */
export async function* tellingFailures(read: () => ByteStream, what: string): ByteStream {
  try {
    yield* read();
  } catch (thrown) {
    if (thrown instanceof VaultraError || !(thrown instanceof Error)) throw thrown;
    throw isCorrupt(thrown)
      ? new VaultraError("damaged.tables", `${what} are corrupt in the backup`, {
        hint: "The database was corrupt when it was backed up; use an older backup.",
        cause: thrown,
      })
      : new VaultraError("failed.rows", `${what} can't be read: ${thrown.message}`, {
        hint: "Restore the whole database, and read it with a program that has what it needs.",
        cause: thrown,
      });
  }
}

/** The error for a database of which nothing tells any more what tables it has. */
export function schemaLost(why: string): VaultraError {
  return new VaultraError(
    "damaged.schema-lost",
    `The list of the database's tables is lost, so that none of them can be found: ${why}`,
    { hint: "Use another backup; sqlite3's .recover may still find rows in what the whole parts hold." },
  );
}
