/**
 * What a person may configure about an SQLite database.
 *
 * @module
 */
import { resolve } from "node:path";
import { z } from "zod";

/** How thoroughly a database is checked before its backup counts: see README.md. */
const checkLevels = ["none", "quick", "full"] as const;
/** How thoroughly a database is checked before its backup counts. */
export type CheckLevel = (typeof checkLevels)[number];

/** A validated configuration. */
export interface SqliteConfig {
  /** Absolute path of the database file, as the person named it: links are not resolved. */
  readonly path: string;
  /** Absolute path of a folder for a temporary copy, used only where the database can't be read in place. */
  readonly staging?: string;
  /** Absent: `quick`, and `none` for a backup that proves nothing. */
  readonly check?: CheckLevel;
}

/**
 * The path in an address: `sqlite:PATH` takes it as it stands; `sqlite://PATH` decodes percent signs.
 *
 * @throws {TypeError} The address names no file.
 */
export function pathOfAddress(address: string): string {
  const rest = /^sqlite:(.*)$/s.exec(address)?.[1];
  if (rest === undefined) throw new TypeError(`An SQLite address begins with "sqlite:"`);
  let path = rest;
  if (rest.startsWith("//")) {
    if (/[?#]/.test(rest)) throw new TypeError(`An SQLite address takes no query; write "?" as "%3F"`);
    try {
      path = decodeURIComponent(rest.slice(2));
    } catch {
      throw new TypeError("The address holds a percent sign that encodes nothing");
    }
  }
  if (path === "") throw new TypeError(`The address names no file; write "sqlite:PATH"`);
  if (path === ":memory:") throw new TypeError("A database in memory cannot be backed up from outside");
  if (path.includes("\0")) throw new TypeError("A path cannot hold a NUL character");
  return resolve(path);
}

/** The schema of a `database:` section whose address begins with `sqlite:`. */
export const sqliteConfig = z
  .strictObject({
    url: z.string().describe("sqlite:PATH of the database file"),
    staging: z.string().min(1).optional().describe("Folder for a temporary copy, when one is needed"),
    check: z.enum(checkLevels).optional().describe("Integrity check of the database at its backup"),
  })
  .transform((keys, context): SqliteConfig => {
    let path = "";
    try {
      path = pathOfAddress(keys.url);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      context.addIssue({ code: "custom", path: ["url"], message });
    }
    return {
      path,
      ...(keys.check === undefined ? {} : { check: keys.check }),
      ...(keys.staging === undefined ? {} : { staging: resolve(keys.staging) }),
    };
  });
