/**
 * How an archive ends, so that a reader finds the manifest from the last bytes: a zstd archive in its seek table,
 * a gzip archive in an empty member with the manifest's place. The manifest's frames end where the trailer begins. A
 * plain tar has no trailer, for strict readers of tar take nothing but zeros after its end.
 *
 * @module
 */
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type FrameRange, readU32 } from "./codec.ts";
import { encodeGzipTrailer, GZIP_TRAILER_BYTES, parseGzipTrailer } from "./codec_gzip.ts";
import type { Compression } from "./format.ts";
import { type FrameTable, frameTableLength, TABLE_FOOTER_BYTES } from "./frame_table.ts";

/** How many of an archive's last bytes {@linkcode findManifest} wants to see. */
export const TRAILER_TAIL_BYTES = 64 << 10;

/** The trailer's bytes. */
export function* encodeTrailer(
  compression: Compression,
  table: FrameTable,
  manifest: FrameRange,
): Generator<Bytes> {
  if (compression === "zstd" && !table.overflow) yield* table.encode();
  if (compression === "gzip") yield encodeGzipTrailer(manifest);
}

/**
 * Where the manifest's frames may begin, the likeliest first; all end at `end`. A seek table does not tell which
 * frame the manifest begins with, but its frames are the last ones and no other frame begins with its header.
 */
export interface ManifestSearch {
  readonly end: number;
  readonly offsets: readonly number[];
}

/**
 * Finds the manifest by an archive's last bytes.
 * @param tail The last {@linkcode TRAILER_TAIL_BYTES} bytes, or all of a shorter archive.
 * @param size The archive's length.
 * @param maxStored The most bytes that the manifest's frames hold.
 * @returns `null` when the archive ends in no trailer: it was cut, never finished, or its seek table left out.
 */
export function findManifest(
  compression: Exclude<Compression, "none">,
  tail: Uint8Array,
  size: number,
  maxStored: number,
): ManifestSearch | null {
  if (compression === "zstd") return searchTable(tail, size, maxStored);
  if (tail.length < GZIP_TRAILER_BYTES) return null;
  const range = parseGzipTrailer(tail.subarray(-GZIP_TRAILER_BYTES), size);
  if (range === null) return null;
  if (range.offset + range.stored !== size - GZIP_TRAILER_BYTES || range.stored > maxStored) {
    throw new VaultraError(
      "damaged.trailer",
      "The archive's trailer names a place where no manifest can be",
      {
        hint: OTHER_BACKUP,
      },
    );
  }
  return { end: size - GZIP_TRAILER_BYTES, offsets: [range.offset] };
}

function searchTable(tail: Uint8Array, size: number, maxStored: number): ManifestSearch | null {
  if (tail.length < TABLE_FOOTER_BYTES) return null;
  const length = frameTableLength(tail.subarray(-TABLE_FOOTER_BYTES), size);
  if (length === null) return null;
  const end = size - length;
  const offsets: number[] = [];
  // A long table begins before the tail; an entry of 8 bytes lies in it wholly or not at all.
  const firstEntry = Math.max(0, tail.length - length + 8);
  let offset = end;
  for (let at = tail.length - TABLE_FOOTER_BYTES - 8; at >= firstEntry; at -= 8) {
    offset -= readU32(tail, at);
    if (offset < 0 || end - offset > maxStored) break;
    offsets.push(offset);
  }
  return { end, offsets };
}
