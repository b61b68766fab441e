import { realText } from "./real_text.ts";
import type { ShownRows } from "./shown_rows.ts";
import { type SqlValue, TEXT } from "./table_rows.ts";

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** Bytes of a blob whose digits are in memory at once. */
const SLICE = 64 << 10;

/**
 * Rows as CSV (RFC 4180) with a line of names, in UTF-8. Null is an empty field and an empty text `""`; a blob is `\x` and
 * its hexadecimal digits, and text that begins so is quoted. Text keeps its bytes, also those that are not UTF-8.
 * @param encoding How the database keeps text: text in UTF-16 becomes UTF-8, in which U+FFFD takes the place of what is invalid.
 */
export function* csvRows({ columns, rows }: ShownRows, encoding: string): Generator<string | Uint8Array> {
  const encoder = new TextEncoder();
  const decoder = encoding === "UTF-8" ? undefined : new TextDecoder(encoding, { ignoreBOM: true });
  const asText = (bytes: Uint8Array) => quoted(decoder ? encoder.encode(decoder.decode(bytes)) : bytes);
  for (const [index, name] of columns.entries()) {
    if (index > 0) yield ",";
    yield* quoted(encoder.encode(name));
  }
  yield "\r\n";
  for (const [classes, ...values] of rows) {
    for (const [index, value] of values.entries()) {
      if (index > 0) yield ",";
      if (value === null) continue;
      if (!(value instanceof Uint8Array)) yield numberText(value);
      else if (classes[index] === TEXT) yield* asText(value);
      else yield* blobText(value);
    }
    yield "\r\n";
  }
}

/** A field of text, in quotes where it needs them. A quote in it is doubled by ending one piece and beginning the next with it. */
function* quoted(bytes: Uint8Array): Generator<string | Uint8Array> {
  if (!needsQuotes(bytes)) return yield bytes;
  yield '"';
  let from = 0;
  for (let at = bytes.indexOf(QUOTE); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    yield bytes.subarray(from, at + 1);
    from = at;
  }
  yield bytes.subarray(from);
  yield '"';
}

function needsQuotes(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || (bytes[0] === BACKSLASH && bytes[1] === LETTER_X)) return true;
  for (const byte of bytes) if (byte === COMMA || byte === QUOTE || byte === CR || byte === LF) return true;
  return false;
}

function* blobText(bytes: Uint8Array): Generator<string> {
  yield "\\x";
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE).toHex();
}

/** Integers whole; a real always with a point or an exponent, so that it reads back as the same one, or `Inf`. */
function numberText(value: Exclude<SqlValue, Uint8Array | null>): string {
  if (typeof value === "bigint") return String(value);
  if (!Number.isFinite(value)) return value > 0 ? "Inf" : "-Inf";
  return realText(value);
}
