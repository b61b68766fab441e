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
import type { PluginContext } from "../../core/plugin.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import { ArchivedPages, tellingFailures } from "./archived_pages.ts";
import { tableNamed } from "./chosen.ts";
import type { SqliteConfig } from "./config.ts";
import { type Engine, text } from "./connection.ts";
import { csvRows } from "./csv_rows.ts";
import { jsonRows } from "./json_rows.ts";
import { realPath } from "./paths.ts";
import { readSchema, type Relation, relations } from "./schema.ts";
import { shownRows } from "./shown_rows.ts";
import { rowScript } from "./sql_script.ts";
import { textBlocks } from "./text_blocks.ts";

/** Reads the rows of one table out of an archive, of whose pages only that table's are fetched, and writes nothing else. */
export class TableOutput implements RestoreTarget {
  readonly #request: RestoreRequest;
  readonly #context: PluginContext;
  readonly #pages: ArchivedPages;
  readonly #name: string;

  /** @throws {VaultraError} `usage.which-object` unless the request names one table */
  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    const [name, ...others] = request.names ?? [];
    if (name === undefined || others.length > 0) {
      throw new VaultraError("usage.which-object", "The rows of one table are read at a time", {
        hint: "Name one table.",
      });
    }
    this.#name = name;
    this.#request = request;
    this.#context = context;
    this.#pages = new ArchivedPages(engine, realPath(config.path), context);
  }

  // deno-lint-ignore require-await -- what it throws must reject
  async plan(): Promise<RestorePlan> {
    const { objects, output } = this.#request;
    if (objects?.some(({ within }) => within !== undefined)) tableNamed(objects, this.#name);
    return {
      mode: objects === undefined ? "stream" : "pull",
      steps: [`Fetch the pages of "${this.#name}"`, `Write its rows as ${output}`],
      objects: [this.#name],
      conflicts: [],
    };
  }

  write(entry: RestoreEntry): Promise<void> {
    return Promise.try(() => this.#pages.write(entry));
  }

  async pull(reader: PartReader): Promise<void> {
    await this.#pages.fetch(reader, (schema) => [this.#table(schema).root]);
  }

  script(): ByteStream {
    return tellingFailures(() => this.#rows(), `The rows of "${this.#name}"`);
  }

  commit(): Promise<RestoreReport> {
    return Promise.resolve({ objects: [], target: `${this.#request.output} rows`, warnings: [] });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#pages[Symbol.dispose]();
    return Promise.resolve();
  }

  #table(connection: DatabaseSync): Relation {
    return tableNamed(relations(readSchema(connection)), this.#name);
  }

  #rows(): AsyncGenerator<Bytes> {
    const source = this.#pages.database();
    const table = this.#table(source);
    const { output } = this.#request;
    if (output === "raw") return rowScript(source, table, this.#context);
    const write = output === "csv" ? csvRows : jsonRows;
    const rows = write(shownRows(source, table.name), text(source, "pragma encoding"));
    return textBlocks(rows, this.#context.signal);
  }
}
