import type { FramePool } from "../archive/frame_pool.ts";
import { VaultraError } from "../errors.ts";
import { OTHER_BACKUP } from "../hints.ts";
import { freeBlock } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { inPieces } from "../streams/pieces.ts";
import { sideBySide } from "../streams/side_by_side.ts";
import { type OpenedChunks, PLAIN_CHUNK_BYTES, SEALED_CHUNK_BYTES } from "./chunks.ts";

/** Chunks of a job: 1 MiB. */
const CHUNKS = 16;

/**
 * Is told which plain bytes are lost; zeros stand for them. A length of 0 tells that the payload was cut there.
 */
export type OnDamage = (offset: number, length: number) => void;

/** A payload that is decrypted. */
export interface Payload {
  /** Its key, 32 bytes. */
  readonly key: Uint8Array;
  /** Where its first chunk begins in the archive. */
  readonly start: number;
  /** Whether the archive is known to be as long as it must be, so that it was not cut; default: it may have been. */
  readonly complete?: boolean | undefined;
  /** Goes on where chunks are damaged; default: the first one is an error. */
  readonly onDamage?: OnDamage | undefined;
}

/** Which of a payload's chunks are decrypted. */
export interface ChunkRange {
  /** The number of the first; default: 0. */
  readonly first?: number;
  /** Whether they reach to the payload's end, default; else to the end of one of its full chunks. */
  readonly toEnd?: boolean;
}

/** Chunks that were opened, and where they stood. */
interface Opened extends OpenedChunks {
  readonly first: number;
  /** How many sealed bytes they were. */
  readonly sealed: number;
}

/**
 * Decrypts chunks of a payload, in the pool, a few jobs ahead of whoever takes them.
 * @param sealed Whole chunks and, at the payload's end, what is there.
 * @throws {VaultraError} `damaged.age-chunk` naming the place; `damaged.truncated` when the payload's last chunk is missing
 */
export async function* openedStream(
  sealed: ByteStream,
  payload: Payload,
  pool: FramePool,
  { first = 0, toEnd = true }: ChunkRange = {},
): AsyncGenerator<Bytes, void, void> {
  const { key, onDamage } = payload;
  let next = first;
  const pieces = inPieces(sealed, CHUNKS * SEALED_CHUNK_BYTES);
  const opened = sideBySide(pieces, pool.size + 2, async ({ bytes, last }): Promise<Opened> => {
    const run = { key, first: next, last: last && toEnd };
    const length = bytes.length;
    next += CHUNKS;
    return { ...await pool.unseal(bytes, run), first: run.first, sealed: length };
  });
  for await (const run of opened) {
    const { bytes, damaged, cut } = run;
    if (onDamage !== undefined) tellDamage(run, onDamage);
    else if (damaged.length > 0) {
      yield bytes.subarray(0, damaged[0]! * PLAIN_CHUNK_BYTES);
      throw damagedChunk(run, payload);
    }
    if (bytes.length > 0) yield bytes;
    // Its taker is through with it, or has copied it.
    freeBlock(bytes);
    if (cut && onDamage === undefined) throw cutPayload();
  }
}

function tellDamage({ bytes, damaged, cut, first }: Opened, onDamage: OnDamage): void {
  for (const chunk of damaged) {
    const at = chunk * PLAIN_CHUNK_BYTES;
    onDamage(first * PLAIN_CHUNK_BYTES + at, Math.min(PLAIN_CHUNK_BYTES, bytes.length - at));
  }
  if (cut) onDamage(first * PLAIN_CHUNK_BYTES + bytes.length, 0);
}

function damagedChunk({ damaged, first, sealed }: Opened, { start, complete }: Payload): VaultraError {
  const [chunk] = damaged as readonly [number];
  const length = Math.min(SEALED_CHUNK_BYTES, sealed - chunk * SEALED_CHUNK_BYTES);
  // Only the payload's last chunk is shorter than the others: cut within it, or changed, look alike.
  if (length < SEALED_CHUNK_BYTES && complete !== true) return cutPayload();
  const offset = start + (first + chunk) * SEALED_CHUNK_BYTES;
  return new VaultraError(
    "damaged.age-chunk",
    `The encrypted archive was changed between the bytes ${offset} and ${offset + length}`,
    { hint: OTHER_BACKUP, details: { offset, length } },
  );
}

/** The error for a payload whose end is missing. */
export function cutPayload(): VaultraError {
  return new VaultraError(
    "damaged.truncated",
    "The encrypted archive was cut short, or its last bytes were changed",
    {
      hint: OTHER_BACKUP,
    },
  );
}
