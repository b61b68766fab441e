/**
 * Where an entry stands inside the archive, as docs/archive-format.md defines it. Every path is plain ASCII of
 * at most 100 bytes and can be unpacked on every file system; true names stand in the pax headers and the manifest.
 *
 * @module
 */
import type { Section } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { quoteName } from "./quote_name.ts";

/** The sections in the order in which they must stand. */
export const sections: readonly Section[] = ["schema", "data", "pages", "schema-after"];

/** The path of the archive's first entry. */
export const HEADER_PATH = "vaultra.json";
/** The path of the archive's second entry. */
export const RESTORE_PATH = "RESTORE.md";
/** The path of the archive's last entry. */
export const MANIFEST_PATH = "manifest.json";

/** The largest number of an object: six digits. */
export const MAX_OBJECT = 999_999;
/** The largest number of a part: eight digits. */
export const MAX_PART = 99_999_999;

/** What a path says. */
export type EntryPath =
  | { readonly kind: "header" | "restore" | "manifest" }
  | { readonly kind: "index"; readonly piece: number }
  | { readonly kind: "file"; readonly section: "schema" | "schema-after"; readonly name: string }
  | {
    readonly kind: "part";
    readonly section: "data" | "pages";
    readonly object: number;
    readonly label: string;
    readonly part: number;
  };

const label = "[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,58}[A-Za-z0-9_-])?";
const filePattern = new RegExp(`^(schema|schema-after)/(${label})$`);
const partPattern = new RegExp(`^(data|pages)/(\\d{6})\\.(${label})/(\\d{8})$`);
const indexPattern = /^index\/(0|[1-9]\d{0,5})\.jsonl$/;
const fileNamePattern = new RegExp(`^${label}$`);
/** Names that Windows gives to devices, with or without an extension. */
const devicePattern = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * The readable half of a part's folder: the true name's ASCII letters, digits, `.`, `_` and `-`, `_` for
 * everything else, at most 60 long and never ending in a dot.
 */
export function labelOf(name: string): string {
  const cut = name.slice(0, 60).replaceAll(/[^A-Za-z0-9._-]/g, "_");
  return cut.replace(/^\./, "_").replace(/\.$/, "_") || "_";
}

/** The path of a part. `object` is at most {@linkcode MAX_OBJECT}, `part` at most {@linkcode MAX_PART}. */
export function partPath(section: "data" | "pages", object: number, label: string, part: number): string {
  return `${section}/${String(object).padStart(6, "0")}.${label}/${String(part).padStart(8, "0")}`;
}

/** The path of a piece of the index. */
export function indexPath(piece: number): string {
  return `index/${piece}.jsonl`;
}

/**
 * The path of a whole file.
 * @throws {VaultraError} `plugin.bad-name` when the name is no file name that every file system takes.
 */
export function filePath(section: "schema" | "schema-after", name: string): string {
  if (!fileNamePattern.test(name) || devicePattern.test(name)) {
    throw new VaultraError("plugin.bad-name", `The plugin named a file ${quoteName(name)}`, {
      hint:
        "File names in an archive are 1 to 60 ASCII letters, digits, '.', '_' and '-': tell the plugin's author.",
    });
  }
  return `${section}/${name}`;
}

/** What the path says, or `null` when no entry of an archive may have it. */
export function parsePath(path: string): EntryPath | null {
  const part = partPattern.exec(path);
  if (part !== null) {
    const object = Number(part[2]);
    if (object === 0) return null;
    return {
      kind: "part",
      section: part[1] as "data" | "pages",
      object,
      label: part[3]!,
      part: Number(part[4]),
    };
  }
  if (path === HEADER_PATH) return { kind: "header" };
  if (path === RESTORE_PATH) return { kind: "restore" };
  if (path === MANIFEST_PATH) return { kind: "manifest" };
  const file = filePattern.exec(path);
  if (file !== null) {
    if (devicePattern.test(file[2]!)) return null;
    return { kind: "file", section: file[1] as "schema" | "schema-after", name: file[2]! };
  }
  const index = indexPattern.exec(path);
  return index === null ? null : { kind: "index", piece: Number(index[1]) };
}
