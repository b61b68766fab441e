/**
 * One line of the index: written in one fixed order of keys, read strictly.
 *
 * @module
 */
import type { Section } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { parsePath } from "./entry_path.ts";
import { type IndexEntry, MAX_PART_BYTES } from "./format.ts";
import { MAX_FRAME_RAW } from "./limits.ts";
import { quoteName } from "./quote_name.ts";

/** The longest line, without its line feed. */
const MAX_LINE_BYTES = 1000;

/** Bytes decoded at once: a string of megabytes would be collected late. */
const WINDOW_BYTES = 32 << 10;

/** The line of an entry, with its line feed. The path and the hash are plain ASCII. */
export function formatLine(entry: IndexEntry): string {
  const part = entry.object === undefined ? "" : `,"object":${entry.object},"part":${entry.part}`;
  const continues = entry.continues === true ? ',"continues":true' : "";
  return `{"path":"${entry.path}"${part},"offset":${entry.offset},"stored":${entry.stored},"at":${entry.at}` +
    `,"raw":${entry.raw},"rows":${entry.rows}${continues},"sha256":"${entry.sha256}"}\n`;
}

const keys = [
  "path",
  "object",
  "part",
  "offset",
  "stored",
  "at",
  "raw",
  "rows",
  "continues",
  "sha256",
] as const;
const hashPattern = /^[0-9a-f]{64}$/;

/**
 * The entry that a line describes, each field checked by itself and against the path.
 * @param line Without its line feed.
 * @throws {VaultraError} `damaged.index`
 */
export function parseLine(line: string): IndexEntry {
  const value = parsed(line);
  const place = typeof value.path === "string" ? parsePath(value.path) : null;
  const isPart = place?.kind === "part";
  const sound =
    (isPart ? value.object === place.object && value.part === place.part : place?.kind === "file" &&
      value.object === undefined && value.part === undefined && value.rows === 0) &&
    isCount(value.offset) && isCount(value.stored) && value.stored > 0 && isCount(value.at) &&
    value.at < MAX_FRAME_RAW &&
    isCount(value.raw) && value.raw <= MAX_PART_BYTES && isCount(value.rows) &&
    (value.continues === undefined || (value.continues === true && isPart)) &&
    // What compression can add to an entry's raw bytes, and the small entries that may share its frame.
    value.stored <= value.raw + value.raw / 64 + 2 * MAX_FRAME_RAW &&
    typeof value.sha256 === "string" && hashPattern.test(value.sha256);
  if (!sound) throw damagedIndex(`The index has a line that describes no entry: ${quoteName(line)}`);
  return value as IndexEntry;
}

/** The keys and values of a line: one flat object of known keys. */
function parsed(line: string): { readonly [Key in keyof IndexEntry]?: unknown } {
  // A flat object is at most this long, so that the depth is bounded before it is parsed.
  if (line.length > MAX_LINE_BYTES) {
    throw damagedIndex(`The index has a line longer than ${MAX_LINE_BYTES} characters`);
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw damagedIndex("The index has a line that is not JSON", cause);
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || Object.keys(value as object).some((key) => !(keys as readonly string[]).includes(key))) {
    throw damagedIndex(`The index has a line with foreign keys: ${quoteName(line)}`);
  }
  return value as { [Key in keyof IndexEntry]?: unknown };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * The lines of a piece of the index without their line feeds. Every character of a sound one is ASCII.
 * @param path The piece's, for errors.
 * @throws {VaultraError} `damaged.index`
 */
export function* splitLines(blocks: readonly Uint8Array[], path: string): Generator<string> {
  const decoder = new TextDecoder("latin1");
  let begun = "";
  for (const block of blocks) {
    for (let from = 0; from < block.length; from += WINDOW_BYTES) {
      const text = begun + decoder.decode(block.subarray(from, from + WINDOW_BYTES));
      let at = 0;
      for (let end; (end = text.indexOf("\n", at)) >= 0; at = end + 1) yield text.slice(at, end);
      begun = text.slice(at);
      if (begun.length > MAX_LINE_BYTES) {
        throw damagedIndex(`The archive's "${path}" has a line longer than ${MAX_LINE_BYTES} characters`);
      }
    }
  }
  if (begun !== "") throw damagedIndex(`The archive's "${path}" ends in the middle of a line`);
}

/** The section of an entry of the index. */
export function sectionOf(path: string): Section {
  return path.slice(0, path.indexOf("/")) as Section;
}

/** The error for an index that contradicts itself, the manifest or the archive. */
export function damagedIndex(message: string, cause?: unknown): VaultraError {
  return new VaultraError("damaged.index", message, {
    hint: OTHER_BACKUP,
    ...(cause === undefined ? {} : { cause }),
  });
}
