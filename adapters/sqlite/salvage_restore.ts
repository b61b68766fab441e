import type {
  PartReader,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import type { SqliteConfig } from "./config.ts";
import type { Engine } from "./connection.ts";
import { schemaLost } from "./archived_pages.ts";
import { parseHeader } from "./header.ts";
import { isMissing } from "./page_fetch.ts";
import { FileRestore } from "./restore.ts";
import { TableRestore } from "./table_restore.ts";

/** The one object with data: the database file. */
const MAIN = { section: "data", name: "main", object: 1 } as const;

/**
 * Restores a database of which parts may be missing: the whole file, byte for byte, when every page of it is there; else the
 * tables all of whose pages are. A file with holes is never restored.
 */
export class SalvageRestore implements RestoreTarget {
  readonly #open: (byTable: boolean) => RestoreTarget;
  readonly #request: RestoreRequest;
  #target: RestoreTarget | undefined;

  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    this.#request = request;
    this.#open = (byTable) => new (byTable ? TableRestore : FileRestore)(engine, config, request, context);
  }

  async plan(): Promise<RestorePlan> {
    await using whole = this.#open(false);
    const { steps, conflicts } = await whole.plan();
    return {
      mode: "pull",
      steps: [...steps, "Or, where pages are missing, restore the tables all of whose pages are there"],
      conflicts,
    };
  }

  /** @throws {VaultraError} `internal`: what is whole of a database is read by parts. */
  write(): Promise<void> {
    return Promise.reject(new VaultraError("internal", "A damaged database is restored by its parts"));
  }

  /** @throws {VaultraError} `damaged.schema-lost`, `damaged.tables`, and what the ways to restore throw */
  async pull(reader: PartReader): Promise<void> {
    if (await this.#pullWhole(reader)) return;
    this.#target = this.#open(true);
    await this.#target.pull(reader);
  }

  /** @throws {VaultraError} `internal`: SQL text is made from tables. */
  script(): ByteStream {
    throw new VaultraError("internal", "A whole database file makes no SQL text");
  }

  /** @throws {VaultraError} as the way that was taken does */
  commit(): Promise<RestoreReport> {
    return this.#target!.commit();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target?.[Symbol.asyncDispose]();
  }

  /** Reads every part in order. @returns Whether they are the whole file: no part is missing, and none comes after them. */
  async #pullWhole(reader: PartReader): Promise<boolean> {
    const layout = await reader.layout(MAIN.section, MAIN.object);
    const first = await this.#read(reader, 0);
    if (first === undefined) throw schemaLost("the first part of the database is missing");
    const header = parseHeader(first);
    const { pageCount: told } = this.#request.properties;
    const pages = header?.pageCount ?? (typeof told === "number" ? told : undefined);
    const bytes = layout.reduce((sum, length) => sum + length, 0);
    const isAll = header === undefined
      ? layout.length === 1 && first.length === 0
      : pages !== undefined && bytes === pages * header.pageSize;
    if (!isAll) return false;
    await using stack = new AsyncDisposableStack();
    const file = stack.use(this.#open(false));
    for (const part of layout.keys()) {
      const content = part === 0 ? first : await this.#read(reader, part);
      if (content === undefined) return false;
      await file.write({ ...MAIN, part, rows: 0, continues: false, bytes: [content] });
    }
    stack.move();
    this.#target = file;
    return true;
  }

  /** A part's bytes; nothing when it is missing. */
  async #read(reader: PartReader, part: number) {
    try {
      return await reader.read(MAIN.section, MAIN.object, part);
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }
}
