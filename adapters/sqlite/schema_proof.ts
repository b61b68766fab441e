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
import { VaultraError } from "../../core/errors.ts";
import { Selection } from "../../core/patterns.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { ArchivedPages } from "./archived_pages.ts";
import type { SqliteConfig } from "./config.ts";
import type { Engine } from "./connection.ts";
import { isCorrupt, sqliteError } from "./failure.ts";
import { realPath } from "./paths.ts";
import { readSchema, relations, type SchemaRow } from "./schema.ts";
import { proveTable } from "./table_proof.ts";

/** A row of the schema with what people call it. */
type Described = SchemaRow & { readonly kind: string };

/**
 * Reads what is in an archive, and keeps nothing of it: every table, index, view and trigger with its statement, and tables
 * with their rows and the proof of their content. With `schemaOnly` no row is read.
 */
export class SchemaProof implements RestoreTarget {
  readonly #request: RestoreRequest;
  readonly #context: PluginContext;
  readonly #selection: Selection;
  readonly #pages: ArchivedPages;

  /** @throws {VaultraError} `usage.pattern` */
  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    this.#request = request;
    this.#context = context;
    this.#selection = new Selection(request.only, request.exclude);
    this.#pages = new ArchivedPages(engine, realPath(config.path), context);
  }

  plan(): Promise<RestorePlan> {
    const { objects, schemaOnly } = this.#request;
    return Promise.resolve({
      mode: objects === undefined ? "stream" : "pull",
      steps: [schemaOnly ? "Read the schema" : "Read the schema and the rows, and prove them"],
      conflicts: [],
    });
  }

  write(entry: RestoreEntry): Promise<void> {
    return Promise.try(() => this.#pages.write(entry));
  }

  async pull(reader: PartReader): Promise<void> {
    await this.#pages.fetch(
      reader,
      (schema) =>
        this.#request.schemaOnly ? [] : this.#chosen(schema).filter(hasRows).map(({ root }) => root),
    );
  }

  /** @throws {VaultraError} `internal`: nothing is written. */
  script(): ByteStream {
    throw new VaultraError("internal", "A proof makes no text");
  }

  /** @throws {VaultraError} `damaged.*` */
  async commit(): Promise<RestoreReport> {
    try {
      const source = this.#pages.database();
      const warnings: string[] = [];
      const objects: SourceObject[] = [];
      for (const row of this.#chosen(source)) {
        const object = { name: row.name, kind: row.kind, definition: row.sql ?? "" };
        if (!hasRows(row)) objects.push(object);
        else objects.push({ ...object, within: 1, ...await this.#proven(source, row.name, warnings) });
      }
      return { objects, target: "nowhere", warnings };
    } catch (thrown) {
      if (!isCorrupt(thrown)) throw sqliteError(thrown, "the backup's pages", "damaged");
      throw new VaultraError("damaged.tables", "The database in the backup is corrupt", {
        hint: "It was corrupt when it was backed up; use an older backup.",
        cause: thrown,
      });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#pages[Symbol.dispose]();
    return Promise.resolve();
  }

  async #proven(source: DatabaseSync, name: string, warnings: string[]): Promise<Partial<SourceObject>> {
    if (this.#request.schemaOnly) return {};
    try {
      return await proveTable(source, name, this.#context.signal);
    } catch (thrown) {
      if (isCorrupt(thrown) || !(thrown instanceof Error) || thrown instanceof VaultraError) throw thrown;
      warnings.push(`The rows of the table "${name}" could not be read: ${thrown.message}`);
      return {};
    }
  }

  /** What was chosen; indexes and triggers go with their table. Indexes that a constraint made have no statement. */
  #chosen(connection: DatabaseSync): Described[] {
    const schema = readSchema(connection);
    const kinds = new Map(relations(schema).map(({ name, kind }) => [name, kind]));
    const { names } = this.#request;
    return schema
      .filter(({ sql }) => sql !== null)
      .filter(({ name, table }) => names ? names.includes(name) : this.#selection.includes(table))
      .map((row) => ({ ...row, kind: row.type === "table" ? kinds.get(row.name) ?? row.type : row.type }));
  }
}

/** Whether an object has pages with rows of its own: not virtual tables, views, triggers, nor what only repeats a table. */
function hasRows({ type, root }: SchemaRow): boolean {
  return type === "table" && root > 0;
}
