/**
 * The codecs, and what the first bytes of a file say about it.
 *
 * @module
 */
import type { FrameCodec } from "./codec.ts";
import { gzipCodec } from "./codec_gzip.ts";
import { noneCodec } from "./codec_none.ts";
import { zstdCodec } from "./codec_zstd.ts";
import type { Compression } from "./format.ts";

const codecs: { readonly [Name in Compression]: FrameCodec } = {
  zstd: zstdCodec,
  gzip: gzipCodec,
  none: noneCodec,
};

/** The codec of that name. */
export function codecNamed(name: Compression): FrameCodec {
  return codecs[name];
}

/** What a file can turn out to be: compressed as a codec does, a plain tar (`none`), or encrypted with age. */
export type FileKind = Compression | "age" | "age-armored";

/** How many bytes {@linkcode recognize} wants to see: a tar header's worth. */
export const RECOGNIZE_BYTES = 512;

const magics: readonly (readonly [kind: FileKind, at: number, magic: string])[] = [
  ["zstd", 0, "\x28\xb5\x2f\xfd"],
  ["gzip", 0, "\x1f\x8b"],
  ["age", 0, "age-encryption.org/v1\n"],
  ["age-armored", 0, "-----BEGIN AGE ENCRYPTED FILE-----"],
  ["none", 257, "ustar"],
];

/** What a file is by its first bytes, undefined when nothing known. */
export function recognize(head: Uint8Array): FileKind | undefined {
  const startsWith = (at: number, magic: string) =>
    head.length >= at + magic.length && [...magic].every((char, i) => head[at + i] === char.charCodeAt(0));
  return magics.find(([, at, magic]) => startsWith(at, magic))?.[0];
}
