import type {
  BackupRequest,
  BackupSource,
  DatabaseAdapter,
  DatabaseCapabilities,
  DatabaseInfo,
  RestoreRequest,
  RestoreTarget,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { SqliteSource } from "./backup.ts";
import { checkDatabase } from "./checks.ts";
import type { SqliteConfig } from "./config.ts";
import type { Engine } from "./connection.ts";
import { sqliteError } from "./failure.ts";
import { inspectDatabase } from "./inspect.ts";
import { FileRestore } from "./restore.ts";
import { SalvageRestore } from "./salvage_restore.ts";
import { SchemaProof } from "./schema_proof.ts";
import { TableOutput } from "./table_output.ts";
import { TableRestore } from "./table_restore.ts";
import { takeSnapshot } from "./take_snapshot.ts";

/** One SQLite database file. */
export class SqliteAdapter implements DatabaseAdapter {
  readonly capabilities: DatabaseCapabilities = {
    types: ["full"],
    pointInTime: false,
    selective: true,
    rename: false,
    outputs: ["database", "sql", "csv", "json", "raw", "proof"],
  };
  readonly #engine: Engine;
  readonly #config: SqliteConfig;
  readonly #context: PluginContext;

  constructor(engine: Engine, config: SqliteConfig, context: PluginContext) {
    this.#engine = engine;
    this.#config = config;
    this.#context = context;
  }

  inspect(): Promise<DatabaseInfo> {
    return inspectDatabase(this.#engine, this.#config, this.#context);
  }

  /** @throws {VaultraError} `usage.whole-file` when the request names tables. */
  async backup(request: BackupRequest): Promise<BackupSource> {
    if (request.only.length + request.exclude.length + request.excludeData.length > 0) {
      throw new VaultraError(
        "usage.whole-file",
        "A backup of SQLite holds the whole database file, not single tables",
        {
          hint: "Leave out only, exclude and exclude-data; choose the tables when you restore.",
        },
      );
    }
    const snapshot = await takeSnapshot({
      engine: this.#engine,
      config: this.#config,
      context: this.#context,
      limits: request.limits,
    });
    try {
      return new SqliteSource(this.#engine, snapshot, request, this.#config.check, this.#context);
    } catch (thrown) {
      snapshot[Symbol.dispose]();
      throw sqliteError(thrown, this.#config.path);
    }
  }

  /** Whole files go the short way; single tables, additions to a database and SQL text are copied row by row. */
  // deno-lint-ignore require-await -- what a constructor throws must reject
  async restore(request: RestoreRequest): Promise<RestoreTarget> {
    const { output } = request;
    if (output === "proof") return new SchemaProof(this.#engine, this.#config, request, this.#context);
    if (output === "csv" || output === "json" || output === "raw") {
      return new TableOutput(this.#engine, this.#config, request, this.#context);
    }
    const byTable = request.only.length + request.exclude.length > 0 || request.schemaOnly ||
      request.dataOnly ||
      request.ifExists === "append" || output === "sql";
    const Restore = byTable ? TableRestore : request.salvage ? SalvageRestore : FileRestore;
    return new Restore(this.#engine, this.#config, request, this.#context);
  }

  checks(): AsyncIterable<Check> {
    return checkDatabase(this.#engine, this.#config, this.#context);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
