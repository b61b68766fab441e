/**
 * Tar headers, POSIX pax interchange format (IEEE Std 1003.1, pax): a ustar header of 512 bytes, before it for
 * entries of the index an extended header (type `x`) whose records are Vaultra's own. Written by hand because
 * frames are cut at headers; parsed by hand because only what the writer writes may be read.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { quoteName } from "./quote_name.ts";

/** Tar counts in blocks of 512 bytes. */
export const TAR_BLOCK = 512;

/** The longest pax body that is read: a name of 65,536 characters and the other records fit. */
export const MAX_PAX_BYTES = 256 << 10;

/** The two blocks of zeros that end a tar. */
export const TAR_END_BYTES = 2 * TAR_BLOCK;

/** What an entry's pax header tells; `VAULTRA.` stands before every key. */
export interface Pax {
  /** The object's true name; of parts only. */
  readonly object?: string;
  /** The part's number within its object and section, from 0; of parts only. */
  readonly part?: number;
  /** Whole rows in the part; of parts only. */
  readonly rows?: number;
  /** Of the content's bytes, lower-case hex. */
  readonly sha256: string;
  /** The last row goes on in the object's next part. */
  readonly continues?: true;
}

/** One parsed 512-byte header. */
export interface TarHeader {
  readonly path: string;
  readonly size: number;
  /** `file` or a pax header that belongs to the file after it. */
  readonly type: "file" | "pax";
  /** Seconds since 1970, the backup's start; undefined when the field holds something else. */
  readonly modified: number | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How many bytes of zeros follow a content of `size` bytes. */
export function paddingOf(size: number): number {
  return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/**
 * Writes the header bytes of an entry to the beginning of `target`.
 * @param path Plain ASCII, at most 100 bytes.
 * @param size Bytes of content, less than 8 GiB.
 * @param modified Seconds since 1970.
 * @returns How many bytes they are, at most {@linkcode headerRoom}.
 */
export function encodeEntryHeader(
  target: Uint8Array,
  { path, size, modified, pax }: { path: string; size: number; modified: number; pax?: Pax },
): number {
  if (pax === undefined) {
    writeUstar(target, 0, path, size, modified, "0");
    return TAR_BLOCK;
  }
  const body = encoder.encodeInto(paxText(pax), target.subarray(TAR_BLOCK)).written;
  // The name stands nowhere when tar unpacks; POSIX leaves it to the writer.
  writeUstar(target, 0, "PaxHeader", body, modified, "x");
  const ustarAt = TAR_BLOCK + body + paddingOf(body);
  target.fill(0, TAR_BLOCK + body, ustarAt);
  writeUstar(target, ustarAt, path, size, modified, "0");
  return ustarAt + TAR_BLOCK;
}

/** Room for the header bytes of any entry with this object name. */
export function headerRoom(object = ""): number {
  // A UTF-16 unit takes at most 3 bytes; the other records and the record's own frame take less than 300.
  const body = object.length * 3 + 300;
  return TAR_BLOCK + body + paddingOf(body) + TAR_BLOCK;
}

/** Writes one ustar header at `at`: mode 0600, no owner. */
function writeUstar(
  target: Uint8Array,
  at: number,
  path: string,
  size: number,
  modified: number,
  type: string,
): void {
  const put = (text: string, offset: number) => {
    for (let i = 0; i < text.length; i++) target[at + offset + i] = text.charCodeAt(i);
  };
  target.fill(0, at, at + TAR_BLOCK);
  put(path, 0);
  put("0000600\0" + "0000000\0" + "0000000\0", 100);
  put(`${size.toString(8).padStart(11, "0")}\0${modified.toString(8).padStart(11, "0")}\0`, 124);
  put(`        ${type}`, 148);
  put("ustar\0" + "00", 257);
  put("0000000\0" + "0000000\0", 329);
  put(`${checksum(target, at).toString(8).padStart(6, "0")}\0 `, 148);
}

/** The sum of a header's bytes, its checksum field counted as spaces. */
function checksum(block: Uint8Array, at: number): number {
  let sum = 8 * 0x20;
  for (let i = at; i < at + 148; i++) sum += block[i]!;
  for (let i = at + 156; i < at + TAR_BLOCK; i++) sum += block[i]!;
  return sum;
}

function paxText(pax: Pax): string {
  let text = "";
  if (pax.object !== undefined) text += paxRecord("VAULTRA.object", pax.object);
  if (pax.part !== undefined) text += paxRecord("VAULTRA.part", String(pax.part));
  if (pax.rows !== undefined) text += paxRecord("VAULTRA.rows", String(pax.rows));
  text += paxRecord("VAULTRA.sha256", pax.sha256);
  if (pax.continues === true) text += paxRecord("VAULTRA.continues", "1");
  return text;
}

/** `<length> <key>=<value>\n`, where the length in bytes counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = key === "VAULTRA.object" ? encoder.encode(rest).length : rest.length;
  let length = bytes + String(bytes).length;
  if (String(length).length > String(bytes).length) length++;
  return `${length}${rest}`;
}

/**
 * The header in a block of 512 bytes; `null` for a block of zeros.
 * @throws {VaultraError} `damaged.tar` for anything that the writer never writes
 */
export function parseTarHeader(block: Uint8Array): TarHeader | null {
  if (isZero(block, 0, TAR_BLOCK)) return null;
  if (text(block, 257, 265) !== "ustar\0" + "00") {
    throw damagedTar("No entry's header stands where one should");
  }
  if (octal(block, 148, 154) !== checksum(block, 0) || text(block, 154, 156) !== "\0 ") {
    throw damagedTar("An entry's header does not match its checksum");
  }
  const end = block.indexOf(0);
  const path = text(block, 0, Math.min(end, 100));
  if (end < 1 || end > 100 || !/^[\x20-\x7e]+$/.test(path) || !isZero(block, end, 100)) {
    throw damagedTar("An entry's path is not plain ASCII");
  }
  const type = text(block, 156, 157);
  if (type !== "0" && type !== "x") {
    throw damagedTar(
      `The entry ${quoteName(path)} is no regular file; links, folders and the like are refused`,
    );
  }
  if (!isZero(block, 157, 257) || !isZero(block, 265, 329) || !isZero(block, 345, TAR_BLOCK)) {
    throw damagedTar(`The entry ${quoteName(path)} has fields that no archive uses`);
  }
  const size = octal(block, 124, 135);
  if (size === undefined || block[135] !== 0) {
    throw damagedTar(`The entry ${quoteName(path)} has a size that is no number`);
  }
  return { path, size, type: type === "x" ? "pax" : "file", modified: octal(block, 136, 147) };
}

/** Whether all bytes from `from` to `to` are zero. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** The number in octal digits, which fill the field; undefined when something else does. */
function octal(bytes: Uint8Array, from: number, to: number): number | undefined {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (!(digit >= 0 && digit <= 7)) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

/** Bytes as one character each. */
function text(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/**
 * The records of a pax header.
 * @throws {VaultraError} `damaged.tar` for a malformed, doubled, missing or foreign record
 */
export function parsePax(body: Uint8Array): Pax {
  const found = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 || space - at > 6 ? "" : text(body, at, space);
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) {
      throw damagedTar("An entry's pax header is malformed");
    }
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw damagedTar("An entry's pax header is malformed");
    const key = text(body, space + 1, Math.min(equals, space + 65));
    if (!paxKeys.has(key)) throw damagedTar(`An entry's pax header has the foreign key ${quoteName(key)}`);
    if (found.has(key)) throw damagedTar(`An entry's pax header has the key "${key}" twice`);
    found.set(key, utf8(body.subarray(equals + 1, end - 1)));
    at = end;
  }
  const sha256 = found.get("VAULTRA.sha256");
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw damagedTar("An entry's pax header holds no SHA-256");
  }
  const object = found.get("VAULTRA.object");
  const continues = found.get("VAULTRA.continues");
  if (object !== undefined && !isObjectName(object)) {
    throw damagedTar("An entry's pax header names no possible object");
  }
  if (continues !== undefined && continues !== "1") throw damagedTar("An entry's pax header is malformed");
  const part = found.get("VAULTRA.part");
  const rows = found.get("VAULTRA.rows");
  return {
    sha256,
    ...(object === undefined ? {} : { object }),
    ...(part === undefined ? {} : { part: paxNumber(part) }),
    ...(rows === undefined ? {} : { rows: paxNumber(rows) }),
    ...(continues === undefined ? {} : { continues: true }),
  };
}

const paxKeys: ReadonlySet<string> = new Set(
  ["object", "part", "rows", "sha256", "continues"].map((key) => `VAULTRA.${key}`),
);

/** Whether an object may have the name: well-formed text of 1 to 65,536 UTF-16 units without NUL. */
export function isObjectName(name: string): boolean {
  return name.length > 0 && name.length <= 65_536 && name.isWellFormed() && !name.includes("\0");
}

function paxNumber(digits: string): number {
  const value = Number(digits);
  if (!/^(0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) {
    throw damagedTar("An entry's pax header holds a number that is none");
  }
  return value;
}

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw damagedTar("An entry's pax header is not UTF-8", cause);
  }
}

/** The error for a tar that no writer of archives writes. */
export function damagedTar(message: string, cause?: unknown): VaultraError {
  return new VaultraError("damaged.tar", message, {
    hint:
      "The archive was damaged or made by something else; restore another backup or another copy of this one.",
    ...(cause === undefined ? {} : { cause }),
  });
}
