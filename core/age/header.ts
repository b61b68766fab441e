/**
 * The textual header of an age file: which stanzas wrap its file key, and where its payload begins
 * (https://age-encryption.org/v1, "File structure" and "Header").
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Bytes } from "../streams/bytes.ts";

/** The longest header that is written or read: 64 KiB, some 650 recipients. */
export const MAX_HEADER_BYTES = 64 << 10;

/** The nonce that follows a header: 16 bytes. */
export const NONCE_BYTES = 16;

/** The most stanzas that are read: each is tried with each identity. */
const MAX_STANZAS = 1000;

/** The most arguments of a stanza. */
const MAX_ARGUMENTS = 16;

const VERSION_LINE = "age-encryption.org/v1";

/** A header whose form was checked, and nothing more. */
export interface AgeHeader {
  /** All of it, the newline at its end included. */
  readonly bytes: Bytes;
  /** Its stanzas' arguments; the first says the kind: `X25519`, `scrypt`, … */
  readonly stanzas: readonly (readonly string[])[];
}

/** What opened an archive. Secret. */
export interface OpenedFileKey {
  /** 16 bytes. */
  readonly fileKey: Bytes;
  /** Bytes of the archive's own header: its nonce and payload follow. */
  readonly headerBytes: number;
}

/**
 * The header that some bytes begin with.
 * @param head At least {@linkcode MAX_HEADER_BYTES} of them, or all that there are.
 * @throws {VaultraError} `damaged.truncated` when they end within the header; `damaged.age-header`
 */
export function parseAgeHeader(head: Bytes): AgeHeader {
  const stanzas: string[][] = [];
  let line = lineAt(head, 0);
  if (line.text !== VERSION_LINE) throw damagedHeader("its first line is not that of age's version 1");
  for (line = lineAt(head, line.end); line.text.startsWith("-> "); line = lineAt(head, line.end)) {
    const args = line.text.slice(3).split(" ");
    if (args.length > MAX_ARGUMENTS || args.includes("")) {
      throw damagedHeader("a stanza's first line is malformed");
    }
    if (stanzas.push(args) > MAX_STANZAS) throw damagedHeader(`it has more than ${MAX_STANZAS} stanzas`);
    // The body: lines of 64 characters, and a shorter one, which may be empty.
    do line = lineAt(head, line.end); while (isBody(line.text) && line.text.length === 64);
    if (!isBody(line.text)) throw damagedHeader("a stanza's body is malformed");
  }
  if (!/^--- [A-Za-z0-9+/]{43}$/.test(line.text) || stanzas.length === 0) {
    throw damagedHeader("its end is malformed");
  }
  return { bytes: head.slice(0, line.end), stanzas };
}

/** Whether a header's MAC was made with this file key: that key, and no bit of the header, is another one then. */
export function isHeaderOf({ bytes }: AgeHeader, fileKey: Uint8Array): boolean {
  const end = bytes.lastIndexOf("-".charCodeAt(0)) + 1;
  const key = new Uint8Array(hkdfSync("sha256", fileKey, new Uint8Array(0), "header", 32));
  const mac = createHmac("sha256", key).update(bytes.subarray(0, end)).digest("base64").replace(/=+$/, "");
  const text = new TextEncoder().encode(` ${mac}\n`);
  return text.length === bytes.length - end && timingSafeEqual(text, bytes.subarray(end));
}

/** The key of a payload: HKDF-SHA-256 of the file key, salted with the nonce before the payload. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Bytes {
  return new Uint8Array(hkdfSync("sha256", fileKey, nonce, "payload", 32));
}

/** The line that begins at `at`, and where the next one does. */
function lineAt(head: Bytes, at: number): { readonly text: string; readonly end: number } {
  const end = head.subarray(0, MAX_HEADER_BYTES).indexOf("\n".charCodeAt(0), at);
  if (end < 0 && head.length < MAX_HEADER_BYTES) throw cutHeader();
  if (end < 0) throw damagedHeader(`it is longer than ${MAX_HEADER_BYTES} bytes`);
  const text = new TextDecoder("latin1").decode(head.subarray(at, end));
  if (!/^[\x20-\x7e]*$/.test(text)) throw damagedHeader("it holds bytes that are no text");
  return { text, end: end + 1 };
}

function isBody(text: string): boolean {
  return /^[A-Za-z0-9+/]{0,64}$/.test(text);
}

/** The error for a header that is not as age defines it or that was changed. */
export function damagedHeader(why: string, cause?: unknown): VaultraError {
  return new VaultraError("damaged.age-header", `The header of the encrypted archive is damaged: ${why}`, {
    hint: OTHER_BACKUP,
    cause,
  });
}

/** The error for an archive that ends within its header. */
export function cutHeader(): VaultraError {
  return new VaultraError("damaged.truncated", "The encrypted archive ends within its header", {
    hint: OTHER_BACKUP,
  });
}
