import type { Check } from "../../core/events.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { DatabaseSync } from "node:sqlite";
import type { SqliteConfig } from "./config.ts";
import { type Engine, text } from "./connection.ts";
import { sqliteError } from "./failure.ts";
import { parseHeader, versionName } from "./header.ts";
import { checkIntegrity, checkPatience } from "./integrity.ts";
import { realPath } from "./paths.ts";
import { readHeader } from "./snapshot.ts";
import { fileSize, openDatabaseFile, pauseEstimate } from "./take_snapshot.ts";

/** The findings of `doctor` about one database. The first failed one ends them where the rest depends on it. */
export async function* checkDatabase(
  engine: Engine,
  config: SqliteConfig,
  context: PluginContext,
): AsyncGenerator<Check> {
  const path = realPath(config.path);
  let connection: DatabaseSync | undefined;
  let file: Deno.FsFile | undefined;
  try {
    file = openDatabaseFile(path);
    yield {
      name: "sqlite.file",
      status: "ok",
      found: `"${path}" is a database of ${file.statSync().size} bytes`,
    };
    yield writerCheck(engine, parseHeader(readHeader(file))?.writer ?? 0);
    connection = engine.connect(path, { busy: 5000 });
    connection.exec("begin immediate");
    connection.exec("rollback");
    yield { name: "sqlite.access", status: "ok", found: "The database and its side files can be written" };
    yield journalCheck(path, text(connection, "pragma journal_mode"), file.statSync().size, config.staging);
    const open = connection;
    yield await context.blocking(checkPatience(file.statSync().size), () => integrityCheck(path, open));
  } catch (thrown) {
    const { message, hint } = sqliteError(thrown, path);
    const name = connection ? "sqlite.access" : "sqlite.file";
    yield { name, status: "failed", found: message, ...(hint === undefined ? {} : { fix: hint }) };
  } finally {
    connection?.close();
    file?.close();
  }
}

/** Whether the database was written by a newer library than the one that reads it here. */
function writerCheck(engine: Engine, writer: number): Check {
  const [major = 0, minor = 0] = engine.version.split(".").map(Number);
  const name = "sqlite.version";
  const found = `SQLite ${engine.version} reads it; SQLite ${
    writer ? versionName(writer) : "of an unknown version"
  } wrote it last`;
  if (writer < (major * 1000 + minor + 1) * 1000) return { name, status: "ok", found };
  return {
    name,
    status: "warning",
    found,
    fix: "Use a Vaultra with a newer SQLite if a backup reports an unknown feature.",
  };
}

/** How long writers would wait for a backup. */
function journalCheck(path: string, mode: string, bytes: number, staging: string | undefined): Check {
  const name = "sqlite.journal-mode";
  if (mode === "wal") {
    const log = fileSize(`${path}-wal`);
    return {
      name,
      status: "ok",
      found: `The database is in WAL mode, with a log of ${log} bytes: writers do not wait for a backup`,
    };
  }
  const found = `The database is in ${mode} mode: writers may wait up to ${
    pauseEstimate(bytes)
  } ms for a backup`;
  if (staging !== undefined || bytes < 10e6) return { name, status: "ok", found };
  return {
    name,
    status: "warning",
    found,
    fix:
      `Switch it to WAL mode (sqlite3 "${path}" "pragma journal_mode=wal"), or configure a staging folder.`,
  };
}

function integrityCheck(path: string, connection: DatabaseSync): Check {
  const name = "sqlite.integrity";
  const { damage, flaws, unchecked } = checkIntegrity(connection, "quick");
  if (damage.length > 0) {
    return {
      name,
      status: "failed",
      found: `The database is corrupt: ${damage[0]}`,
      fix: `Recover it with: sqlite3 "${path}" .recover`,
    };
  }
  const [first] = [...flaws, ...unchecked];
  if (first === undefined) return { name, status: "ok", found: "pragma quick_check found nothing" };
  return {
    name,
    status: "warning",
    found: `pragma quick_check: ${first}`,
    fix: `Look at it with: sqlite3 "${path}" "pragma integrity_check"`,
  };
}
