import type { backup, DatabaseSync } from "node:sqlite";

/** The SQLite library as this adapter uses it. */
export interface Engine {
  /** The library's version, such as `3.50.2`. */
  readonly version: string;
  readonly backup: typeof backup;
  /**
   * Opens a database for work on content that nobody vouches for: its schema may call only harmless functions.
   * @throws {Error} node:sqlite's own errors.
   */
  connect(path: string, options?: ConnectOptions): DatabaseSync;
}

/** How a database is opened. */
export interface ConnectOptions {
  readonly readOnly?: boolean;
  /** How long SQLite itself waits for a lock, milliseconds: default 100, as waiting here answers no heartbeat. */
  readonly busy?: number;
}

/** Loads the SQLite library. */
export async function loadEngine(): Promise<Engine> {
  const sqlite = await import("node:sqlite");
  const memory = new sqlite.DatabaseSync(":memory:");
  const version = text(memory, "select sqlite_version()");
  memory.close();
  return {
    version,
    backup: sqlite.backup,
    connect(path, { readOnly = false, busy = 100 } = {}) {
      const connection = new sqlite.DatabaseSync(path, {
        readOnly,
        enableForeignKeyConstraints: false,
        enableDoubleQuotedStringLiterals: true,
      });
      connection.exec(`pragma busy_timeout = ${busy}; pragma trusted_schema = off`);
      return connection;
    },
  };
}

/** The first column of the first row of a query, as a number. */
export function number(connection: DatabaseSync, query: string): number {
  return Number(first(connection, query));
}

/** The first column of the first row of a query, as text. */
export function text(connection: DatabaseSync, query: string): string {
  return String(first(connection, query));
}

/** The first column of the first row of a query. */
function first(connection: DatabaseSync, query: string): unknown {
  return Object.values(connection.prepare(query).get() ?? {})[0];
}

/** A name as an SQL identifier. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
