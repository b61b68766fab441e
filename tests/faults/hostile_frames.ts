import { encodeGzipTrailer, GZIP_TRAILER_BYTES } from "../../core/archive/codec_gzip.ts";
import type { Compression } from "../../core/archive/format.ts";
import { forge, type Lies } from "../fakes/forged_archive.ts";
import { ways } from "../fakes/read_archive.ts";
import { concat, sampleBytes } from "../fakes/sample_bytes.ts";
import { entry, type Hostile, NOT_BY_PIPE, ONLY_BY_ADDRESS } from "./hostile_archive.ts";

/** The sound archive cut to a length that its figures tell. */
const cutTo =
  (length: (archive: ReturnType<typeof forge>) => number) => (compression: Compression): Lies => ({
    archive: (bytes) => bytes.subarray(0, length(forge({ compression }))),
  });
/** The sound archive with one bit flipped. */
const flip = (at: (archive: ReturnType<typeof forge>) => number) => (compression: Compression): Lies => ({
  archive: (bytes) => bytes.with(at(forge({ compression })), bytes[at(forge({ compression }))]! ^ 0x10),
});

/** Archives whose bytes, frames or trailer are not what was written. */
export const hostileFrames: readonly Hostile[] = [
  // Truncated.
  { name: "is empty", lies: cutTo(() => 0) },
  { name: "is cut after 100 bytes", lies: cutTo(() => 100) },
  { name: "is cut after the header's frame", lies: cutTo(({ offsets }) => offsets[1]!) },
  { name: "is cut after a whole part", lies: cutTo(({ offsets }) => offsets[3]!) },
  { name: "is cut within a part", lies: cutTo(({ offsets }) => offsets[3]! + 1000) },
  { name: "is cut before the manifest", lies: cutTo(({ offsets }) => offsets.at(-1)!) },
  { name: "is cut within the manifest", lies: cutTo(({ offsets }) => offsets.at(-1)! + 40) },
  { name: "lost its trailer's last byte", lies: cutTo(({ bytes }) => bytes.length - 1) },

  // Reordered.
  { name: "has two frames exchanged", lies: { frames: (f) => [f[0]!, f[2]!, f[1]!, ...f.slice(3)] } },
  {
    name: "has the frames of a part exchanged",
    lies: { frames: (f) => [...f.slice(0, 3), f[4]!, f[3]!, ...f.slice(5)] },
  },
  { name: "has the manifest first", lies: { frames: (f) => [f.at(-1)!, ...f.slice(0, -1)] } },
  {
    name: "has data after what must come after it",
    lies: { entries: (e) => [e[0]!, ...e.slice(5), ...e.slice(1, 5)] },
  },
  {
    name: "has part 1 before part 0",
    lies: { entries: (e) => [e[0]!, { ...e[2]!, grouped: false }, e[1]!, ...e.slice(3)] },
  },
  { name: "begins with part 1", lies: { entries: (e) => e.toSpliced(1, 1) } },

  // Flipped.
  { name: "has a flipped bit in the header", lies: flip(() => 300) },
  { name: "has a flipped bit in a part", lies: flip(({ offsets }) => offsets[2]! + 600) },
  { name: "has a flipped bit in a large part", lies: flip(({ offsets }) => offsets[4]! + 100_000) },
  { name: "has a flipped bit in the index", lies: flip(({ offsets }) => offsets.at(-2)! + 60) },
  { name: "has a flipped bit in the manifest", lies: flip(({ offsets }) => offsets.at(-1)! + 100) },

  // Spliced.
  {
    name: "has a part of another backup",
    lies: (compression) => {
      const other = forge({ compression, ...entry(1, { content: sampleBytes(1000, 99) }) });
      return { frames: (f) => f.with(2, other.frames[2]!) };
    },
  },
  {
    name: "has the header of another backup",
    lies: (compression) => {
      const other = forge({
        compression,
        header: (header) => ({ ...header, id: "20261124T064758Z-full-0000" }),
      });
      return { frames: (f) => f.with(0, other.frames[0]!) };
    },
  },
  {
    name: "has the index and manifest of another backup",
    lies: (compression) => {
      const other = forge({ compression, ...entry(1, { content: sampleBytes(1000, 99) }) });
      return { frames: (f) => [...f.slice(0, -2), ...other.frames.slice(-2)] };
    },
  },
  { name: "has a frame twice", lies: { frames: (f) => f.toSpliced(2, 0, f[2]!) } },
  { name: "lacks a frame", lies: { frames: (f) => f.toSpliced(2, 1) } },
  {
    name: "has an empty frame more",
    ...NOT_BY_PIPE,
    lies: { frames: (f, compress) => f.toSpliced(2, 0, compress(new Uint8Array(0))) },
    only: ["zstd", "gzip"],
  },
  {
    name: "has a frame of zeros more",
    lies: { frames: (f, compress) => f.toSpliced(2, 0, compress(new Uint8Array(1024))) },
  },
  {
    name: "has a skippable frame in the middle",
    ...NOT_BY_PIPE,
    lies: { frames: (f) => f.toSpliced(2, 0, Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2)) },
    only: ["zstd"],
  },
  {
    name: "is followed by another archive",
    lies: (compression) => ({ archive: (bytes) => concat([bytes, forge({ compression }).bytes]) }),
  },
  { name: "is followed by other bytes", lies: { archive: (bytes) => concat([bytes, sampleBytes(1000)]) } },
  {
    name: "follows another archive",
    lies: (compression) => ({
      archive: (bytes) =>
        concat([forge({ compression, ...entry(0, { content: new Uint8Array(3) }) }).bytes, bytes]),
    }),
  },

  // The trailer, which leads to the manifest when no record does.
  {
    name: "has no trailer",
    lies: { trailer: () => new Uint8Array(0) },
    ...ONLY_BY_ADDRESS,
    only: ["zstd", "gzip"],
  },
  {
    name: "has a seek table of other frames",
    lies: { trailer: (bytes) => bytes.with(8, bytes[8]! ^ 1) },
    // Its last frames lead to the manifest, which knows where all others are.
    unseen: ways,
    only: ["zstd"],
  },
  {
    name: "has a seek table whose last frame is the last two",
    lies: {
      trailer: (bytes) => {
        const view = new DataView(concat([bytes]).buffer);
        const last = bytes.length - 9 - 8;
        view.setUint32(last, view.getUint32(last, true) + view.getUint32(last - 8, true), true);
        view.setUint32(last - 8, 0, true);
        return new Uint8Array(view.buffer);
      },
    },
    ...ONLY_BY_ADDRESS,
    only: ["zstd"],
  },
  {
    name: "has a trailer that leads to the index",
    lies: (compression) => {
      const { offsets, bytes } = forge({ compression });
      const [offset, end] = [offsets.at(-2)!, bytes.length - GZIP_TRAILER_BYTES];
      return { trailer: () => encodeGzipTrailer({ offset, stored: end - offset }) };
    },
    ...ONLY_BY_ADDRESS,
    only: ["gzip"],
  },
  {
    name: "has a trailer that leads past the end",
    lies: { trailer: () => encodeGzipTrailer({ offset: 2 ** 50, stored: 1 }) },
    ...ONLY_BY_ADDRESS,
    only: ["gzip"],
  },
];
