import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type {
  PartReader,
  RestoreEntry,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
  SourceObject,
} from "../../core/database.ts";
import { compareObjects, expectedObjects, refuseDifferences } from "../../core/compare.ts";
import { VaultraError } from "../../core/errors.ts";
import { Selection } from "../../core/patterns.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { ArchivedPages, tellingFailures } from "./archived_pages.ts";
import { bookkeepingRoots, choose, type Chosen, isChosen, refuseEmptyChoice } from "./chosen.ts";
import type { SqliteConfig } from "./config.ts";
import { type Engine, number, text } from "./connection.ts";
import { type CopyReport, copyTables } from "./copy_tables.ts";
import { isCorrupt, sqliteError } from "./failure.ts";
import { checkPatience } from "./integrity.ts";
import { type Salvaged, withoutLost } from "./lost_tables.ts";
import { exists, realPath, restoreFiles } from "./paths.ts";
import { obstacles, placeNew, targetExists } from "./place_file.ts";
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
  readonly #work: string;
  readonly #pages: ArchivedPages;
  readonly #stack = new DisposableStack();
  #salvaged: Salvaged | undefined;

  /** @throws {VaultraError} `usage.pattern` */
  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    this.#engine = engine;
    this.#request = request;
    this.#context = context;
    this.#selection = new Selection(request.only, request.exclude);
    this.#target = realPath(config.path);
    this.#work = restoreFiles(this.#target).restore;
    this.#pages = this.#stack.use(new ArchivedPages(engine, this.#target, context));
  }

  // deno-lint-ignore require-await -- what it throws must reject
  async plan(): Promise<RestorePlan> {
    const { objects, output, salvage } = this.#request;
    const isPulled = objects !== undefined || salvage;
    // A database that was read as a plain file has no list of tables
    const listed = objects?.some(({ within }) => within !== undefined) ? objects : undefined;
    const chosen = listed?.filter((object) => isChosen(object, this.#selection)).map(({ name }) => name);
    if (listed && chosen) refuseEmptyChoice(listed, chosen.length, this.#selection);
    const what = chosen ? `${chosen.length} tables and views` : "the chosen tables";
    return {
      mode: isPulled ? "pull" : "stream",
      steps: [
        isPulled ? `Fetch the pages of ${what}` : "Unpack the database file beside the target",
        output === "sql" ? "Write them as SQL text" : `Copy ${what} to "${this.#target}" in one transaction`,
      ],
      ...(chosen ? { objects: chosen } : {}),
      conflicts: output === "sql" ? [] : this.#conflicts(chosen),
    };
  }

  write(entry: RestoreEntry): Promise<void> {
    return Promise.try(() => this.#pages.write(entry));
  }

  async pull(reader: PartReader): Promise<void> {
    const { salvage, bytes } = this.#request;
    const roots = (schema: DatabaseSync) => {
      const { tables } = choose(schema, this.#selection);
      return [...bookkeepingRoots(schema), ...tables.map(({ root }) => root)];
    };
    const lost = await this.#pages.fetch(reader, roots, { salvage });
    if (!salvage) return;
    const source = this.#pages.database();
    const find = () => withoutLost(source, choose(source, this.#selection), lost);
    this.#salvaged = await this.#context.blocking(checkPatience(bytes), find);
  }

  script(): ByteStream {
    return tellingFailures(() => {
      const source = this.#pages.database();
      return sqlScript(source, this.#choose(source), this.#request, this.#context);
    }, "The chosen tables");
  }

  /** @throws {VaultraError} `target.*`, `damaged.*` */
  async commit(): Promise<RestoreReport> {
    try {
      const lost = this.#salvaged?.warnings ?? [];
      if (this.#request.output === "sql") return { objects: [], target: "SQL text", warnings: lost };
      const source = this.#pages.database();
      const copy = () =>
        exists(this.#target) && this.#request.ifExists !== "fail"
          ? this.#intoExisting(source)
          : this.#intoNew(source);
      // An index of a large table takes minutes in one call, as do counts and checks of references.
      const patience = checkPatience(this.#pages.streamed ?? this.#request.bytes);
      const report = await this.#context.blocking(patience, copy);
      return { ...report, warnings: [...lost, ...report.warnings], target: this.#target };
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

  /** What is restored: of what was chosen, all that is not lost. */
  #choose(source: DatabaseSync): Chosen {
    return this.#salvaged?.chosen ?? choose(source, this.#selection);
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
      this.#refuseDifferences(report);
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
    const path = this.#work;
    using _work = temporaryDatabase(this.#context, path);
    const target = this.#engine.connect(path);
    let report: CopyReport;
    try {
      for (const pragma of ["page_size", "auto_vacuum", "user_version", "application_id"]) {
        target.exec(`pragma ${pragma} = ${number(source, `pragma ${pragma}`)}`);
        if (pragma === "auto_vacuum") target.exec(`pragma encoding = '${text(source, "pragma encoding")}'`);
      }
      target.exec("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -65536; begin");
      report = await this.#copy(source, target);
      this.#refuseDifferences(report);
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

  async #copy(source: DatabaseSync, target: DatabaseSync): Promise<CopyReport> {
    const { schemaOnly, dataOnly, ifExists, proof } = this.#request;
    const { objects, expected, warnings } = await copyTables({
      source,
      target,
      chosen: this.#choose(source),
      schema: !dataOnly,
      data: !schemaOnly,
      replace: ifExists === "replace",
      prove: proof === "content",
      context: this.#context,
    });
    const within = (object: SourceObject) => ({ ...object, within: 1 });
    return {
      objects: objects.map(within),
      ...(expected === undefined ? {} : { expected: expected.map(within) }),
      warnings,
    };
  }

  /** Compared before it takes its place: what stands there is worth more than a copy that differs. */
  #refuseDifferences(report: CopyReport): void {
    const { objects = [], proof, schemaOnly } = this.#request;
    if (schemaOnly) return;
    const expected = expectedObjects(objects, report, report.objects.map(({ name }) => name));
    refuseDifferences(
      "The restored copy",
      compareObjects(expected, report.objects, proof),
      `"${this.#target}" is as it was. Tables that were there may keep rows otherwise, by their columns' types or conflict clauses: restore into a new file, or compare less with --proof.`,
    );
  }
}
