import { basename, extname } from "node:path";
import { definePlugin } from "../../core/plugin.ts";
import type { Permissions, Purpose } from "../../core/permissions.ts";
import { type SqliteConfig, sqliteConfig } from "./config.ts";
import { databaseFiles, realPath, restoreFiles } from "./paths.ts";
import { loadEngine } from "./connection.ts";
import { SqliteAdapter } from "./adapter.ts";

/** SQLite database files. */
export default definePlugin({
  kind: "database",
  name: "sqlite",
  apiVersion: 1,
  summary: "SQLite database files, live, in every journal mode",
  schemes: ["sqlite"],
  config: sqliteConfig,
  permissions(config: SqliteConfig, purpose: Purpose): Permissions {
    const real = realPath(config.path);
    const paths = new Set([...databaseFiles(config.path), ...databaseFiles(real)]);
    if (purpose === "restore") {
      const { restore, pages, lock } = restoreFiles(real);
      for (const path of [...databaseFiles(restore), ...databaseFiles(pages), lock]) paths.add(path);
    } else if (config.staging !== undefined) paths.add(config.staging);
    return { read: [...paths], write: [...paths] };
  },
  redact: ({ path, staging, check }) => ({
    url: `sqlite:${path}`,
    check,
    ...(staging === undefined ? {} : { staging }),
  }),
  title: ({ path }) => basename(path, extname(path)),
  open: async (config, context) => new SqliteAdapter(await loadEngine(), config, context),
});
