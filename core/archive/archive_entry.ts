import { createHash, hash } from "node:crypto";
import { sha256 } from "@noble/hashes/sha2.js";
import type { RestoreEntry } from "../database.ts";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { GROUP_BYTES } from "./limits.ts";
import type { Bytes } from "../streams/bytes.ts";
import type { IndexEntry, Place } from "./format.ts";
import { damagedIndex } from "./index_line.ts";
import { quoteName } from "./quote_name.ts";
import { damagedTar } from "./tar.ts";
import type { TarEntry } from "./tar_parser.ts";

/** A file or a part of an archive whose content has the SHA-256 that its header tells. */
export interface ArchiveEntry extends RestoreEntry {
  readonly path: string;
  /** Bytes of content. */
  readonly raw: number;
  readonly sha256: string;
}

/**
 * The entry of the index that the tar's entry is, once its hash was checked.
 * @throws {VaultraError} `damaged.hash` naming the part and its object
 */
export function checkedEntry(entry: TarEntry): ArchiveEntry {
  const { path, place, pax, size, content } = entry;
  if (pax === undefined || (place.kind !== "part" && place.kind !== "file")) {
    throw damagedIndex(`The entry ${quoteName(path)} stands where files and parts do`);
  }
  const checked: ArchiveEntry = {
    path,
    section: place.section,
    ...(place.kind === "part"
      ? { name: pax.object!, object: place.object, part: place.part }
      : { name: place.name, part: 0 }),
    rows: pax.rows ?? 0,
    continues: pax.continues === true,
    bytes: content,
    raw: size,
    sha256: pax.sha256,
  };
  if (sha256Of(content) !== pax.sha256) {
    throw new VaultraError("damaged.hash", `The content of ${titleOf(checked)} does not match its SHA-256`, {
      hint: OTHER_BACKUP,
      details: { path },
    });
  }
  return checked;
}

/**
 * Holds an entry against its line of the index.
 * @throws {VaultraError} `damaged.index` naming the part and its object
 */
export function compareWithLine(entry: ArchiveEntry, line: IndexEntry): void {
  const agrees = entry.path === line.path && entry.raw === line.raw && entry.rows === line.rows &&
    entry.continues === (line.continues === true) && entry.sha256 === line.sha256;
  if (!agrees) {
    throw damagedIndex(
      `The index describes ${quoteName(line.path)} where the archive holds ${titleOf(entry)}`,
    );
  }
}

/**
 * Holds one of the archive's own documents against its line in the manifest; its place is not compared.
 * @throws {VaultraError} `damaged.tar`, `damaged.hash`
 */
export function checkDocument(entry: TarEntry, place: Pick<Place, "path" | "raw" | "sha256">): void {
  if (entry.path !== place.path || entry.size !== place.raw) {
    throw damagedTar(
      `The archive holds ${quoteName(entry.path)} where its manifest expects ${quoteName(place.path)}`,
    );
  }
  checkSha256(entry.content, place);
}

/**
 * Holds the content of one of the archive's own documents against its SHA-256.
 * @throws {VaultraError} `damaged.hash`
 */
export function checkSha256(
  content: readonly Bytes[],
  { path, sha256 }: Pick<Place, "path" | "sha256">,
): void {
  if (sha256Of(content) === sha256) return;
  throw new VaultraError("damaged.hash", `The archive's ${quoteName(path)} does not match its SHA-256`, {
    hint: OTHER_BACKUP,
  });
}

/** How a sentence names the entry. */
export function titleOf({ path, object, part, name }: ArchiveEntry): string {
  return object === undefined
    ? `the file ${quoteName(path)}`
    : `part ${part} of ${quoteName(name)} (${path})`;
}

/** Shorter blocks are hashed in JavaScript: the memory that the runtime's own hash takes for each is given back late. */
const NATIVE_HASH_BYTES = 512;

/** The SHA-256 of blocks of bytes, lower-case hex. */
export function sha256Of(blocks: readonly Uint8Array[]): string {
  if (blocks.length === 1) {
    const [block] = blocks as [Uint8Array];
    return block.length < NATIVE_HASH_BYTES ? sha256(block).toHex() : hash("sha256", block, "hex");
  }
  const whole = createHash("sha256");
  for (const block of blocks) whole.update(block);
  return whole.digest("hex");
}

/**
 * Gives the memory of an entry up that was read from an archive by ranges and is not needed any more. Frames of up to
 * 1 MiB may hold its neighbours, and are left to the runtime.
 */
export function freeEntry(entry: { readonly bytes: readonly Bytes[] }): void {
  for (const { buffer } of entry.bytes) if (buffer.byteLength > GROUP_BYTES) buffer.transfer(0);
}
