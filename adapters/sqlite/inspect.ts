import type { DatabaseInfo } from "../../core/database.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { SqliteConfig } from "./config.ts";
import { type Engine, number, text } from "./connection.ts";
import { sqliteError } from "./failure.ts";
import { checkPatience } from "./integrity.ts";
import { realPath } from "./paths.ts";
import { countRows } from "./rows.ts";
import { openDatabaseFile } from "./take_snapshot.ts";

/** Tells what is in a database, as of one moment. */
export async function inspectDatabase(
  engine: Engine,
  config: SqliteConfig,
  context: PluginContext,
): Promise<DatabaseInfo> {
  const path = realPath(config.path);
  try {
    openDatabaseFile(path).close();
    const connection = engine.connect(path, { busy: 5000 });
    try {
      connection.exec("begin");
      const bytes = number(connection, "pragma page_count") * number(connection, "pragma page_size");
      const { objects } = await context.blocking(checkPatience(bytes), () => countRows(connection, true));
      return {
        engine: "sqlite",
        version: engine.version,
        bytes,
        objects: objects.map(({ name, kind, rows }) => ({
          name,
          kind,
          ...(rows === undefined ? {} : { rows }),
        })),
        properties: databaseProperties(connection),
      };
    } finally {
      connection.close();
    }
  } catch (thrown) {
    throw sqliteError(thrown, path);
  }
}

/** What must be known to make an equal database. */
export function databaseProperties(connection: Parameters<typeof text>[0]): Record<string, string | number> {
  return {
    pageSize: number(connection, "pragma page_size"),
    pageCount: number(connection, "pragma page_count"),
    journalMode: text(connection, "pragma journal_mode"),
    encoding: text(connection, "pragma encoding"),
    autoVacuum: number(connection, "pragma auto_vacuum"),
    userVersion: number(connection, "pragma user_version"),
    applicationId: number(connection, "pragma application_id"),
  };
}
