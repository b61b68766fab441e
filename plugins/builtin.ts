/**
 * The plugins that Vaultra ships: the only file that names them.
 *
 * @module
 */
import { Registry } from "../core/registry.ts";
import sqlite from "../adapters/sqlite/plugin.ts";
import file from "../stores/file/plugin.ts";

/** All built-in databases and stores. */
export const builtin = new Registry()
  .with(sqlite, import.meta.resolve("../adapters/sqlite/plugin.ts"))
  .with(file, import.meta.resolve("../stores/file/plugin.ts"));
