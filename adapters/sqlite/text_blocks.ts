import type { Bytes } from "../../core/streams/bytes.ts";

/** Bytes in a block. */
const BLOCK = 256 << 10;

/** Pieces up to this length are written in a loop, which costs less than a call for each. */
const SHORT = 64;

/**
 * Packs pieces, text as UTF-8 and bytes as they are, into blocks of 256 KiB. Between blocks the thread answers others.
 * All blocks are in one buffer: each is the reader's until it asks for the next one.
 * @throws The signal's reason, once it is aborted.
 */
export async function* textBlocks(
  pieces: Iterable<string | Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Bytes> {
  const encoder = new TextEncoder();
  const block = new Uint8Array(BLOCK);
  let used = 0;
  for (const piece of pieces) {
    if (piece.length <= SHORT && used + SHORT <= BLOCK && writeShort(piece, block, used)) {
      used += piece.length;
      continue;
    }
    for (let rest = piece; rest.length > 0;) {
      let taken: number;
      if (typeof rest === "string") {
        const { read, written } = encoder.encodeInto(rest, block.subarray(used));
        used += written;
        taken = read;
      } else {
        taken = Math.min(rest.length, BLOCK - used);
        block.set(rest.subarray(0, taken), used);
        used += taken;
      }
      rest = typeof rest === "string" ? rest.slice(taken) : rest.subarray(taken);
      if (rest.length === 0) break;
      yield block.subarray(0, used);
      used = 0;
      await new Promise((next) => setTimeout(next, 0));
      signal.throwIfAborted();
    }
  }
  if (used > 0) yield block.subarray(0, used);
}

/** Writes a short piece, unless it is text that is not ASCII. */
function writeShort(piece: string | Uint8Array, block: Uint8Array, at: number): boolean {
  const { length } = piece;
  if (typeof piece !== "string") {
    for (let index = 0; index < length; index++) block[at + index] = piece[index]!;
    return true;
  }
  for (let index = 0; index < length; index++) {
    const code = piece.charCodeAt(index);
    if (code > 0x7f) return false;
    block[at + index] = code;
  }
  return true;
}
