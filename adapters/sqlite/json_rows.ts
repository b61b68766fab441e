import { realText } from "./real_text.ts";
import type { ShownRows } from "./shown_rows.ts";
import { type SqlValue, TEXT } from "./table_rows.ts";

/** Bytes of a value that become characters at once: a multiple of 3, so that pieces of base64 join. */
const SLICE = 96 << 10;

/**
 * Rows as JSON, one object a line, its keys in the order of the columns. Integers and reals are exact, also beyond what a double
 * holds; infinity is `9e999`, which readers take for it. A blob is `{"$blob":"<base64>"}`, and so is text that is invalid in
 * the database's encoding: `{"$text":"<base64>"}`.
 */
export function* jsonRows({ columns, rows }: ShownRows, encoding: string): Generator<string> {
  const decode = textDecoder(encoding);
  const keys = columns.map((name, index) => `${index > 0 ? "," : "{"}${JSON.stringify(name)}:`);
  for (const [classes, ...values] of rows) {
    let line = "";
    for (const [index, value] of values.entries()) {
      line += keys[index];
      if (!(value instanceof Uint8Array)) {
        line += scalarText(value);
        continue;
      }
      yield line;
      line = "";
      if (classes[index] === TEXT) yield* textValue(value, decode);
      else yield* base64Value("$blob", value);
    }
    yield `${line}}\n`;
  }
}

function scalarText(value: Exclude<SqlValue, Uint8Array>): string {
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return value > 0 ? "9e999" : "-9e999";
  return realText(value);
}

function* textValue(bytes: Uint8Array, decode: (bytes: Uint8Array) => string[]): Generator<string> {
  let pieces: readonly string[];
  try {
    pieces = decode(bytes);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return yield* base64Value("$text", bytes);
  }
  yield '"';
  for (const piece of pieces) yield JSON.stringify(piece).slice(1, -1);
  yield '"';
}

/** Decodes text into pieces that are short enough for a string; throws a `TypeError` when it is invalid. */
function textDecoder(encoding: string): (bytes: Uint8Array) => string[] {
  const options = { fatal: true, ignoreBOM: true };
  const short = new TextDecoder(encoding, options);
  return (bytes) => {
    if (bytes.length <= SLICE) return [short.decode(bytes)];
    const long = new TextDecoder(encoding, options);
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += SLICE) {
      pieces.push(long.decode(bytes.subarray(at, at + SLICE), { stream: true }));
    }
    pieces.push(long.decode());
    return pieces;
  };
}

function* base64Value(key: string, bytes: Uint8Array): Generator<string> {
  yield `{"${key}":"`;
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE).toBase64();
  yield '"}';
}
