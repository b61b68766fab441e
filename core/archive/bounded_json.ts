/**
 * JSON from outside, bounded in size and depth before anything is built from it.
 *
 * @module
 */
import { type ErrorCode, VaultraError } from "../errors.ts";

/** The deepest nesting that is read. */
const MAX_JSON_DEPTH = 32;

/** What is being parsed, for its bounds and its errors. */
export interface JsonSubject {
  /** Begins the sentence of an error: `The archive's manifest`. */
  readonly what: string;
  readonly code: ErrorCode;
  /** The most bytes that are read. */
  readonly maxBytes: number;
  /** What to do when it is refused. */
  readonly hint?: string;
}

/**
 * The value that the JSON text in `bytes` (UTF-8) describes.
 * @throws {VaultraError} `subject.code`: not JSON, not UTF-8, too long, deeper than 32, or with a `__proto__` key.
 */
export function parseJson(bytes: Uint8Array, subject: JsonSubject): unknown {
  const refuse = (why: string, cause?: unknown) =>
    new VaultraError(subject.code, `${subject.what} ${why}`, {
      ...(subject.hint === undefined ? {} : { hint: subject.hint }),
      ...(cause === undefined ? {} : { cause }),
    });
  if (bytes.length > subject.maxBytes) throw refuse(`is longer than ${subject.maxBytes} bytes`);
  if (depthOf(bytes) > MAX_JSON_DEPTH) throw refuse(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse("is not JSON", cause);
  }
  if (hasProtoKey(value)) throw refuse('holds a key "__proto__"');
  return value;
}

/** How deep the brackets of the text are nested; outside JSON's rules only an estimate, never too small. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}

function hasProtoKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(hasProtoKey);
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProtoKey);
}
