/**
 * gzip members (RFC 1952), one a frame. A member's length stands in its header, in an extra field's subfield
 * `VT` (4 bytes, little-endian), so that members are found without inflating them, as BGZF and MiGz do. The
 * archive ends in an empty member whose subfield `VM` tells where the manifest's frames lie, as eStargz does.
 *
 *     1f 8b 08 04 | 00 00 00 00 | 00 ff | XLEN | V T 04 00 length [| V M 10 00 offset stored] | deflate | CRC32 | ISIZE
 *
 * @module
 */
import { constants, crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import type { Bytes } from "../streams/bytes.ts";
import {
  damagedFrame,
  type FrameCodec,
  type FrameMeter,
  type FrameRange,
  MAX_RAW,
  MIN_ZLIB_CHUNK,
  ownBytes,
  readU32,
  recompressedHint,
} from "./codec.ts";

/** A member's header with subfield `VT`. */
const HEADER = 20;
/** CRC32 and ISIZE. */
const TAIL = 8;
/** The shortest member: its deflate stream takes 2 bytes. */
const MIN_MEMBER = HEADER + 2 + TAIL;
/** The header of the archive's trailer, which has subfield `VM` too. */
const TRAILER_HEADER = HEADER + 20;

/** The length of the member that ends a gzip archive. */
export const GZIP_TRAILER_BYTES = TRAILER_HEADER + 2 + TAIL;

/** gzip, each member with its length in its header. */
export const gzipCodec: FrameCodec = {
  name: "gzip",
  extension: ".tar.gz",
  levels: { min: 1, max: 9, default: 6 },

  compress(raw, level) {
    if (raw.length > MAX_RAW) {
      throw new VaultraError("internal", `A gzip member of ${raw.length} raw bytes is too long`);
    }
    const deflated = deflateRawSync(raw, {
      level,
      // deflateBound of zlib for any settings.
      chunkSize: Math.max(raw.length + (raw.length >>> 3) + 64, MIN_ZLIB_CHUNK),
    });
    const member = new Uint8Array(HEADER + deflated.length + TAIL);
    const view = writeHeader(member, 8);
    member.set(deflated, HEADER);
    view.setUint32(member.length - 8, crc32(raw), true);
    view.setUint32(member.length - 4, raw.length, true);
    return member;
  },

  decompress(frame, maxRaw) {
    const meter = new GzipFrameMeter();
    meter.read(frame, 0);
    if (!meter.complete || meter.length > frame.length) throw damagedFrame("A gzip member is cut short");
    if (meter.length < frame.length) {
      throw damagedFrame("Bytes follow a gzip member that do not belong to it");
    }
    if (meter.skippable) throw damagedFrame("The archive's trailer stands where data should be");
    const size = readU32(frame, frame.length - 4);
    if (size > maxRaw) throw damagedFrame(`A gzip member holds more than the ${maxRaw} bytes that it can`);
    const raw = inflate(frame.subarray(HEADER, -TAIL), size);
    if (raw.length !== size || crc32(raw) !== readU32(frame, frame.length - 8)) {
      throw damagedFrame("A gzip member is damaged: its checksum or its length is wrong");
    }
    return raw;
  },

  meter: () => new GzipFrameMeter(),
};

/** Inflates all of `deflated` to `size` bytes. */
function inflate(deflated: Uint8Array, size: number): Bytes {
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    // With `info` node:zlib also tells how many bytes it took; its types do not know that.
    result = inflateRawSync(deflated, {
      info: true,
      chunkSize: Math.max(size + 1, MIN_ZLIB_CHUNK),
      maxOutputLength: Math.max(size, 1),
      finishFlush: constants.Z_FINISH,
    }) as unknown as typeof result;
  } catch (cause) {
    throw damagedFrame("A gzip member is damaged: it cannot be inflated to the length that it tells", {
      cause,
    });
  }
  if (result.engine.bytesWritten !== deflated.length) {
    throw damagedFrame("A gzip member has bytes after its data");
  }
  return ownBytes(result.buffer);
}

/** The member that ends a gzip archive. */
export function encodeGzipTrailer(manifest: FrameRange): Bytes {
  const member = new Uint8Array(GZIP_TRAILER_BYTES);
  const view = writeHeader(member, TRAILER_HEADER - 12);
  member.set([0x56, 0x4d, 16, 0], HEADER);
  view.setBigUint64(HEADER + 4, BigInt(manifest.offset), true);
  view.setBigUint64(HEADER + 12, BigInt(manifest.stored), true);
  // An empty deflate stream; the CRC32 and length of no bytes are 0.
  member.set([3, 0], TRAILER_HEADER);
  return member;
}

/**
 * Where the manifest lies, by an archive's last {@linkcode GZIP_TRAILER_BYTES} bytes; null when they are no trailer.
 * @param archiveSize The archive's length in bytes.
 * @throws {VaultraError} `damaged.trailer` when the range does not lie before the trailer
 */
export function parseGzipTrailer(tail: Uint8Array, archiveSize: number): FrameRange | null {
  const sample = encodeGzipTrailer({ offset: 0, stored: 0 });
  const isRange = (at: number) => at >= HEADER + 4 && at < TRAILER_HEADER;
  if (tail.length !== sample.length || !sample.every((byte, at) => byte === tail[at] || isRange(at))) {
    return null;
  }
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const offset = Number(view.getBigUint64(HEADER + 4, true));
  const stored = Number(view.getBigUint64(HEADER + 12, true));
  if (stored < 1 || offset + stored > archiveSize - GZIP_TRAILER_BYTES) {
    throw new VaultraError(
      "damaged.trailer",
      "The archive's trailer names a manifest that lies outside of the archive",
      {
        hint: OTHER_BACKUP,
      },
    );
  }
  return { offset, stored };
}

/** Writes a member's header up to its subfield `VT`; the member's length is the array's. */
function writeHeader(member: Uint8Array<ArrayBuffer>, extraLength: number): DataView {
  member.set([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, extraLength, 0, 0x56, 0x54, 4, 0]);
  const view = new DataView(member.buffer);
  view.setUint32(16, member.length, true);
  return view;
}

/** Whether the member, which is one, has the header of the archive's trailer. */
function isTrailerHeader(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset + 10] === TRAILER_HEADER - 12 && bytes[offset + 11] === 0 &&
    bytes[offset + HEADER] === 0x56 && bytes[offset + HEADER + 1] === 0x4d;
}

/** Reads a member's length from its header. */
class GzipFrameMeter implements FrameMeter {
  length = HEADER + 2;
  complete = false;
  skippable = false;

  read(bytes: Uint8Array, offset: number): void {
    if (this.complete || offset + this.length > bytes.length) return;
    if (bytes[offset] !== 0x1f || bytes[offset + 1] !== 0x8b || bytes[offset + 2] !== 8) {
      throw damagedFrame("No gzip member begins where one should");
    }
    this.skippable = isTrailerHeader(bytes, offset);
    const own = bytes[offset + 3] === 4 && bytes[offset + 11] === 0 &&
      (this.skippable || bytes[offset + 10] === 8) &&
      bytes[offset + 12] === 0x56 && bytes[offset + 13] === 0x54 && bytes[offset + 14] === 4 &&
      bytes[offset + 15] === 0;
    if (!own) {
      throw damagedFrame("A gzip member does not tell its length, as an archive's members do", {
        hint: recompressedHint("gzip -dc"),
      });
    }
    this.length = readU32(bytes, offset + 16);
    if (this.length < MIN_MEMBER || (this.skippable && this.length !== GZIP_TRAILER_BYTES)) {
      throw damagedFrame("A gzip member tells a length that it cannot have");
    }
    this.complete = true;
  }
}
