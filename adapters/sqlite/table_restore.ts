import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type {
  PartReader,
  RestoreEntry,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import { Selection } from "../../core/patterns.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { bookkeeping, choose, isChosen, refuseEmptyChoice } from "./chosen.ts";
import type { SqliteConfig } from "./config.ts";
import { type Engine, number, text } from "./connection.ts";
import { type CopyReport, copyTables } from "./copy_tables.ts";
import { isCorrupt, sqliteError } from "./failure.ts";
import { checkPatience } from "./integrity.ts";
import { clearLogMode, PageFetch } from "./page_fetch.ts";
import { PageFile } from "./page_file.ts";
import { exists, realPath, restoreFiles } from "./paths.ts";
import { obstacles, placeNew, targetExists } from "./place_file.ts";
import { takeRestoreLock } from "./restore_lock.ts";
import { readSchema } from "./schema.ts";
import { sqlScript } from "./sql_script.ts";
import { temporaryDatabase } from "./temporary_database.ts";

/**
 * Restores single tables: the pages that hold them go to a sparse file beside the target, from which SQLite
 * itself reads the rows. They end in a new file, in an existing database under one transaction, or in SQL text.
 */
export class TableRestore implements RestoreTarget {
  readonly #engine: Engine;
  readonly #request: RestoreRequest;
  readonly #context: PluginContext;
  readonly #selection: Selection;
  readonly #target: string;
  readonly #files: ReturnType<typeof restoreFiles>;
  readonly #stack = new DisposableStack();
  #streamed: PageFile | undefined;
  #source: DatabaseSync | undefined;

  /** @throws {VaultraError} `usage.pattern` */
  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    this.#engine = engine;
    this.#request = request;
    this.#context = context;
    this.#selection = new Selection(request.only, request.exclude);
    this.#target = realPath(config.path);
    this.#files = restoreFiles(this.#target);
  }

  // deno-lint-ignore require-await -- what it throws must reject
  async plan(): Promise<RestorePlan> {
    const { objects, output } = this.#request;
    // A database that was read as a plain file has no list of tables
    const listed = objects?.some(({ within }) => within !== undefined) ? objects : undefined;
    const chosen = listed?.filter((object) => isChosen(object, this.#selection)).map(({ name }) => name);
    if (listed && chosen) refuseEmptyChoice(listed, chosen.length, this.#selection);
    const what = chosen ? `${chosen.length} tables and views` : "the chosen tables";
    return {
      mode: objects === undefined ? "stream" : "pull",
      steps: [
        objects === undefined ? "Unpack the database file beside the target" : `Fetch the pages of ${what}`,
        output === "sql" ? "Write them as SQL text" : `Copy ${what} to "${this.#target}" in one transaction`,
      ],
      ...(chosen ? { objects: chosen } : {}),
      conflicts: output === "sql" ? [] : this.#conflicts(chosen),
    };
  }

  async write(entry: RestoreEntry): Promise<void> {
    try {
      if (this.#streamed === undefined) {
        this.#begin();
        this.#streamed = this.#stack.use(new PageFile(this.#files.pages));
      }
      this.#streamed.write(entry);
    } catch (thrown) {
      throw sqliteError(thrown, this.#files.pages, "target");
    }
    await Promise.resolve();
  }

  async pull(reader: PartReader): Promise<void> {
    const { pages } = this.#files;
    try {
      this.#begin();
      using fetch = await PageFetch.create(reader, pages);
      if (fetch) {
        await fetch.fetch([1]);
        clearLogMode(pages);
        const roots = this.#roots();
        await fetch.fetch(roots);
      }
      this.#source = this.#stack.adopt(this.#openPages(), (connection) => connection.close());
    } catch (thrown) {
      throw sqliteError(thrown, pages, isCorrupt(thrown) ? "damaged" : "target");
    }
  }

  script(): ByteStream {
    const source = this.#unpacked();
    return sqlScript(source, choose(source, this.#selection), this.#request, this.#context);
  }

  /** @throws {VaultraError} `target.*`, `damaged.*` */
  async commit(): Promise<RestoreReport> {
    try {
      if (this.#request.output === "sql") return { objects: [], target: "SQL text", warnings: [] };
      const source = this.#unpacked();
      const copy = () =>
        exists(this.#target) && this.#request.ifExists !== "fail"
          ? this.#intoExisting(source)
          : this.#intoNew(source);
      // An index of a large table takes minutes in one call, as do counts and checks of references.
      const patience = checkPatience(this.#streamed?.bytes ?? this.#request.bytes);
      const report = await this.#context.blocking(patience, copy);
      const objects = report.objects.map((object) => ({ ...object, within: 1 }));
      return { objects, warnings: report.warnings, target: this.#target };
    } catch (thrown) {
      if (isCorrupt(thrown)) {
        throw new VaultraError(
          "damaged.tables",
          `The chosen tables, or the database "${this.#target}", are corrupt`,
          {
            hint: "Check the target with pragma integrity_check; if it is sound, use an older backup.",
            cause: thrown,
          },
        );
      }
      throw sqliteError(thrown, this.#target, "target");
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stack.dispose();
    return Promise.resolve();
  }

  /** Locks the target and clears away what a dead run left. */
  #begin(): void {
    this.#stack.use(takeRestoreLock(this.#context, this.#target));
    this.#stack.use(temporaryDatabase(this.#context, this.#files.pages));
    this.#stack.use(temporaryDatabase(this.#context, this.#files.restore));
  }

  /** The pages of the archive as a database. */
  #unpacked(): DatabaseSync {
    if (this.#source) return this.#source;
    const header = this.#streamed?.header();
    this.#streamed?.[Symbol.dispose]();
    if (header) clearLogMode(this.#files.pages);
    return this.#source = this.#stack.adopt(this.#openPages(), (connection) => connection.close());
  }

  #openPages(): DatabaseSync {
    const connection = this.#engine.connect(this.#files.pages);
    connection.exec("pragma query_only = on; pragma cache_size = -32768");
    return connection;
  }

  /** The pages where the trees begin that hold what was chosen. */
  #roots(): number[] {
    const connection = this.#openPages();
    try {
      const own = readSchema(connection).filter(({ name }) =>
        (bookkeeping as readonly string[]).includes(name)
      );
      const { tables } = choose(connection, this.#selection);
      return [...new Set([...own, ...tables].map(({ root }) => root))].filter((root) => root > 1);
    } finally {
      connection.close();
    }
  }

  /** What stands in the way of the chosen tables, or is missing for their rows. */
  #conflicts(chosen: readonly string[] | undefined): string[] {
    const { ifExists, dataOnly } = this.#request;
    if (!exists(this.#target)) {
      const left = ifExists === "replace"
        ? []
        : obstacles(this.#target).map((path) => `There is already a file "${path}"`);
      return dataOnly ? [`There is no database "${this.#target}" to put rows into`] : left;
    }
    if (ifExists === "fail") return [`There is already a file "${this.#target}"`];
    if (chosen === undefined) return [];
    const connection = this.#engine.connect(this.#target, { busy: 2000 });
    try {
      const present = new Set(readSchema(connection).map(({ name }) => name.toLowerCase()));
      if (dataOnly) {
        return chosen.filter((name) => !present.has(name.toLowerCase())).map((name) =>
          `The target has no table "${name}"`
        );
      }
      if (ifExists === "replace") return [];
      return chosen.filter((name) => present.has(name.toLowerCase())).map((name) =>
        `The target has a table "${name}" already`
      );
    } catch (thrown) {
      throw sqliteError(thrown, this.#target, "target");
    } finally {
      connection.close();
    }
  }

  /** Adds to a database in one transaction; other programs can read it meanwhile. */
  async #intoExisting(source: DatabaseSync): Promise<CopyReport> {
    const target = this.#engine.connect(this.#target, { busy: 5000 });
    try {
      target.exec("begin immediate");
      const report = await this.#copy(source, target);
      target.exec("commit");
      return report;
    } finally {
      target.close();
    }
  }

  /** Makes a database with the source's properties, then gives it its name. */
  async #intoNew(source: DatabaseSync): Promise<CopyReport> {
    if (this.#request.dataOnly) {
      throw new VaultraError("target.no-database", `There is no database "${this.#target}" to put rows into`);
    }
    if (exists(this.#target)) throw targetExists(this.#target);
    const path = this.#files.restore;
    const target = this.#engine.connect(path);
    let report: CopyReport;
    try {
      for (const pragma of ["page_size", "auto_vacuum", "user_version", "application_id"]) {
        target.exec(`pragma ${pragma} = ${number(source, `pragma ${pragma}`)}`);
        if (pragma === "auto_vacuum") target.exec(`pragma encoding = '${text(source, "pragma encoding")}'`);
      }
      target.exec("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -65536; begin");
      report = await this.#copy(source, target);
      target.exec("commit");
    } finally {
      target.close();
    }
    const file = Deno.openSync(path, { read: true, write: true });
    try {
      file.syncSync();
    } finally {
      file.close();
    }
    placeNew(path, this.#target);
    await this.#context.syncFolder(dirname(this.#target));
    return report;
  }

  #copy(source: DatabaseSync, target: DatabaseSync): Promise<CopyReport> {
    const { schemaOnly, dataOnly, ifExists } = this.#request;
    return copyTables({
      source,
      target,
      chosen: choose(source, this.#selection),
      schema: !dataOnly,
      data: !schemaOnly,
      replace: ifExists === "replace",
      context: this.#context,
    });
  }
}
