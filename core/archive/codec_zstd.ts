/**
 * zstd frames (RFC 8878) by node:zlib, whose one-shot calls lose data in silence unless they are called so
 * that the whole output fits their first buffer with a byte to spare: only then is exactly one frame written,
 * and on the way back the whole frame read and its content checksum compared (tests hold it to that). So both
 * directions know the output's bound beforehand: compression by zstd's own formula, decompression by the
 * frame's headers, which are read here. node:zlib is never given more or less than one whole frame.
 *
 * @module
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { VaultraError } from "../errors.ts";
import {
  damagedFrame,
  type FrameCodec,
  type FrameMeter,
  MAX_RAW,
  measuredLength,
  MIN_ZLIB_CHUNK,
  ownBytes,
  readU32,
  recompressedHint,
} from "./codec.ts";

/** A block's raw bytes, at most. */
const MAX_BLOCK = 128 << 10;
/** Every reader should take windows up to 8 MiB (RFC 8878, 3.1.1.1.2); 128 MiB is zstd's own limit. */
const MIN_WINDOW_LOG = 23;
const MAX_WINDOW_LOG = 27;

const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag, ZSTD_d_windowLogMax } = constants;

/** zstd, each frame with its raw size and the checksum of its content. */
export const zstdCodec: FrameCodec = {
  name: "zstd",
  extension: ".tar.zst",
  levels: { min: 1, max: 19, default: 3 },

  compress(raw, level) {
    if (raw.length > MAX_RAW) {
      throw new VaultraError("internal", `A zstd frame of ${raw.length} raw bytes is too long`);
    }
    // ZSTD_compressBound (zstd.h), and the byte to spare.
    const bound = raw.length + (raw.length >>> 8) + 64 + 1;
    // A constant, since node:zlib's types lack `pledgedSrcSize`.
    const options = {
      chunkSize: Math.max(bound, MIN_ZLIB_CHUNK),
      pledgedSrcSize: raw.length,
      params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 },
    };
    const frame = ownBytes(zstdCompressSync(raw, options));
    // A second, empty frame would make the seek table wrong.
    if (measuredLength(new ZstdFrameMeter(), frame, 0) !== frame.length) {
      throw new VaultraError("internal", `zstd made more than one frame of ${raw.length} bytes`);
    }
    return frame;
  },

  decompress(frame, maxRaw) {
    const meter = new ZstdFrameMeter();
    meter.read(frame, 0);
    if (!meter.complete || meter.length > frame.length) throw damagedFrame("A zstd frame is cut short");
    if (meter.length < frame.length) throw damagedFrame("Bytes follow a zstd frame that do not belong to it");
    if (meter.skippable) throw damagedFrame("A skippable zstd frame stands where data should be");
    const windowLog = Math.min(Math.max(Math.ceil(Math.log2(maxRaw + 1)), MIN_WINDOW_LOG), MAX_WINDOW_LOG);
    const least = meter.rawSize ?? 0;
    if (least > maxRaw || meter.window > 2 ** windowLog) throw tooLong(maxRaw);
    const bound = Math.min(meter.rawSize ?? meter.rawBound, maxRaw);
    let raw: Uint8Array;
    try {
      raw = zstdDecompressSync(frame, {
        chunkSize: Math.max(bound + 1, MIN_ZLIB_CHUNK),
        maxOutputLength: Math.max(maxRaw, 1),
        params: { [ZSTD_d_windowLogMax]: windowLog },
      });
    } catch (cause) {
      if ((cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(maxRaw, cause);
      throw damagedFrame("A zstd frame is damaged: it cannot be decompressed, or its checksum is wrong", {
        cause,
      });
    }
    if (raw.length > bound || raw.length !== (meter.rawSize ?? raw.length)) {
      throw damagedFrame(`A zstd frame holds ${raw.length} bytes and not the ${bound} of its header`);
    }
    return ownBytes(raw);
  },

  meter: () => new ZstdFrameMeter(),
};

function tooLong(maxRaw: number, cause?: unknown) {
  return damagedFrame(`A zstd frame holds more than the ${maxRaw} bytes that it can`, {
    hint: recompressedHint("zstd -dc"),
    cause,
  });
}

function isSkippableMagic(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/** Reads a frame's header and the headers of its blocks (RFC 8878, 3.1.1 and 3.1.2), nothing else. */
class ZstdFrameMeter implements FrameMeter {
  length = 5;
  complete = false;
  skippable = false;
  /** The raw size that the header tells; not every frame's does. */
  rawSize: number | undefined;
  /** What the blocks can hold at most, raw. */
  rawBound = 0;
  /** The bytes of memory that decompression looks back on. */
  window = 0;
  #state: "magic" | "skippable" | "header" | "block" = "magic";
  #trailer = 0;
  #maxBlock = MAX_BLOCK;

  read(bytes: Uint8Array, offset: number): void {
    while (!this.complete && offset + this.length <= bytes.length) this.#step(bytes, offset);
  }

  #step(bytes: Uint8Array, offset: number): void {
    switch (this.#state) {
      case "magic": {
        const magic = readU32(bytes, offset);
        if (isSkippableMagic(magic)) {
          this.#state = "skippable";
          this.length = 8;
        } else if (magic === 0xfd2fb528) {
          this.#state = "header";
          this.length = headerLength(bytes[offset + 4]!);
        } else throw damagedFrame("No zstd frame begins where one should");
        return;
      }
      case "skippable":
        this.skippable = true;
        this.complete = true;
        this.length = 8 + readU32(bytes, offset + 4);
        return;
      case "header":
        this.#readHeader(bytes, offset + 4);
        this.#state = "block";
        this.length += 3;
        return;
      case "block":
        this.#readBlock(bytes, offset + this.length - 3);
    }
  }

  #readHeader(bytes: Uint8Array, at: number): void {
    const descriptor = bytes[at]!;
    if ((descriptor & 8) !== 0) throw damagedFrame("A zstd frame's header has a reserved bit set");
    if ((descriptor & 3) !== 0) throw damagedFrame("A zstd frame needs a dictionary, which no archive uses");
    this.#trailer = (descriptor & 4) !== 0 ? 4 : 0;
    const single = (descriptor & 0x20) !== 0;
    const size = at + (single ? 1 : 2);
    switch (descriptor >>> 6) {
      case 0:
        if (single) this.rawSize = bytes[size]!;
        break;
      case 1:
        this.rawSize = 256 + (bytes[size]! | bytes[size + 1]! << 8);
        break;
      case 2:
        this.rawSize = readU32(bytes, size);
        break;
      case 3:
        this.rawSize = readU32(bytes, size) + readU32(bytes, size + 4) * 2 ** 32;
    }
    const window = bytes[at + 1]!;
    this.window = single ? this.rawSize! : 2 ** (10 + (window >>> 3)) * (1 + (window & 7) / 8);
    this.#maxBlock = Math.min(MAX_BLOCK, this.window);
  }

  #readBlock(bytes: Uint8Array, at: number): void {
    const header = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3) throw damagedFrame("A zstd frame has a block of the reserved type");
    if (size > this.#maxBlock) {
      throw damagedFrame("A zstd frame has a block that is longer than blocks can be");
    }
    this.rawBound += type === 2 ? this.#maxBlock : size;
    this.length += type === 1 ? 1 : size;
    if ((header & 1) !== 0) {
      this.length += this.#trailer;
      this.complete = true;
    } else this.length += 3;
  }
}

/** The length of a frame's header with its magic number, by its descriptor. */
function headerLength(descriptor: number): number {
  const single = (descriptor >>> 5) & 1;
  return 5 + (1 - single) + [0, 1, 2, 4][descriptor & 3]! + [single, 2, 4, 8][descriptor >>> 6]!;
}
