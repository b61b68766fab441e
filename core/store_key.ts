/**
 * Which keys an object may have, in every store alike: a backup copied from one store to another keeps its
 * key, and a key never leads out of a folder.
 *
 * @module
 */
import { VaultraError } from "./errors.ts";

/** The longest part of a key, in bytes of UTF-8: file systems allow 255, of which stores need some themselves. */
const MAX_KEY_PART_BYTES = 200;
/** The longest key, in bytes of UTF-8: services allow 1,024, of which the store's own prefix takes some. */
const MAX_KEY_BYTES = 900;

/** Windows takes these for devices, whatever extension follows. */
const device = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const forbidden = /[\u0000-\u001f\u007f-\u009f<>:"|?*\\]/;
const encoder = new TextEncoder();

/** What is wrong with a key, as the end of a sentence, or `undefined` when it is sound. */
function complaint(key: string): string | undefined {
  if (key === "") return "it is empty";
  if (!key.isWellFormed()) return "it is not valid Unicode";
  if (encoder.encode(key).length > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (forbidden.test(key)) return 'it has a control character or one of <>:"|?*\\ in it';
  for (const part of key.split("/")) {
    if (part === "") return "a part of it is empty";
    if (part === "." || part === "..") return `"${part}" is not a name`;
    if (/[. ]$/.test(part)) return "a part of it ends in a dot or a space";
    if (device.test(part)) return `"${part}" is a device on Windows`;
    if (encoder.encode(part).length > MAX_KEY_PART_BYTES) {
      return `a part of it is longer than ${MAX_KEY_PART_BYTES} bytes`;
    }
  }
  return undefined;
}

/**
 * Returns the key when it is one that every store can hold.
 * @throws {VaultraError} `store.invalid-key`
 */
export function checkKey(key: string): string {
  const wrong = complaint(key);
  if (wrong === undefined) return key;
  throw new VaultraError(
    "store.invalid-key",
    `Cannot use ${JSON.stringify(key.slice(0, 200))} as a key: ${wrong}`,
    {
      hint: "Choose a shorter or plainer name.",
    },
  );
}

/** Whether every store can hold an object of this key. */
export function isKey(key: string): boolean {
  return complaint(key) === undefined;
}

/**
 * Orders keys by code points, which is the order of their UTF-8 bytes and so the one in which services list.
 * @returns Less than, equal to or greater than 0.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates before U+E000 to U+FFFF, though what they encode comes after. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
