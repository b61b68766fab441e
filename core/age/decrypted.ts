/**
 * Encrypted archives as the plain ones that they hold: by ranges, or as a stream.
 *
 * @module
 */
import type { FramePool } from "../archive/frame_pool.ts";
import type { PlainSource, RangeSource } from "../archive/range_source.ts";
import { fill } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { peek, skip } from "../streams/peek.ts";
import { tapped } from "../streams/tapped.ts";
import { PLAIN_CHUNK_BYTES, plainSizeOf, SEALED_CHUNK_BYTES } from "./chunks.ts";
import {
  type AgeHeader,
  cutHeader,
  MAX_HEADER_BYTES,
  NONCE_BYTES,
  type OpenedFileKey,
  parseAgeHeader,
  payloadKey,
} from "./header.ts";
import { cutPayload, type OnDamage, openedStream, type Payload } from "./opened_stream.ts";

/** How an encrypted archive is read. */
export interface DecryptOptions {
  readonly pool: FramePool;
  /** Finds the file key that the header wraps. */
  readonly open: (header: AgeHeader) => Promise<Bytes>;
  /** Whether the archive has the length that it must have; default: it may have been cut. */
  readonly complete?: boolean | undefined;
  /** Goes on where chunks are damaged, with zeros in their place; default: the first one is an error. */
  readonly onDamage?: OnDamage | undefined;
}

/**
 * Opens an encrypted archive by ranges.
 * @throws {VaultraError} what `open` throws; `damaged.age-header`; `damaged.truncated` when its last chunk is not the payload's
 */
export async function decryptedSource(
  stored: RangeSource,
  options: DecryptOptions,
): Promise<PlainSource> {
  const { pool, onDamage } = options;
  const { payload, opened } = await openPayload(
    await stored.read(0, Math.min(stored.size, HEAD_BYTES)),
    options,
  );
  const { start } = payload;
  const size = plainSizeOf(stored.size - start);

  async function* stream(offset: number, length = size - offset): AsyncGenerator<Bytes> {
    if (length <= 0) return;
    const first = Math.floor(offset / PLAIN_CHUNK_BYTES);
    const end = Math.ceil((offset + length) / PLAIN_CHUNK_BYTES);
    // The last chunk may be short, wherever in it the range ends.
    const toEnd = end * PLAIN_CHUNK_BYTES >= size;
    const from = start + first * SEALED_CHUNK_BYTES;
    const to = toEnd ? stored.size : start + end * SEALED_CHUNK_BYTES;
    const plain = openedStream(stored.stream(from, to - from), payload, pool, { first, toEnd });
    let position = first * PLAIN_CHUNK_BYTES;
    for await (const block of plain) {
      const wanted = block.subarray(Math.max(0, offset - position), offset + length - position);
      position += block.length;
      if (wanted.length > 0) yield wanted;
    }
  }
  // The last chunk says that it is the last: whatever is read later, the archive was whole.
  if (onDamage === undefined) {
    const last = Math.max(0, Math.ceil(size / PLAIN_CHUNK_BYTES) - 1);
    const from = start + last * SEALED_CHUNK_BYTES;
    for await (
      const _ of openedStream(stored.stream(from, stored.size - from), payload, pool, { first: last })
    );
  }
  return {
    size,
    stream,
    async read(offset, length) {
      const whole = new Uint8Array(length);
      if (await fill(whole, stream(offset, length)) !== length) throw cutPayload();
      return whole;
    },
    whole: (onStored) => openedStream(skip(tapped(stored.stream(0), onStored), start), payload, pool),
    opened,
  };
}

/**
 * Opens an encrypted archive as it comes out of a pipe.
 * @throws {VaultraError} what `open` throws; `damaged.age-header`, `damaged.truncated`. The stream throws what
 * {@linkcode openedStream} does.
 */
export async function decryptedStream(stored: ByteStream, options: DecryptOptions): Promise<ByteStream> {
  const { head, whole } = await peek(stored, HEAD_BYTES);
  const { payload } = await openPayload(head, options);
  return openedStream(skip(whole, payload.start), payload, options.pool);
}

/** What holds every header and its nonce. */
const HEAD_BYTES = MAX_HEADER_BYTES + NONCE_BYTES;

async function openPayload(
  head: Bytes,
  { open, complete, onDamage }: DecryptOptions,
): Promise<{ readonly payload: Payload; readonly opened: OpenedFileKey }> {
  const header = parseAgeHeader(head);
  const start = header.bytes.length + NONCE_BYTES;
  if (head.length < start) throw cutHeader();
  const fileKey = await open(header);
  const key = payloadKey(fileKey, head.subarray(start - NONCE_BYTES, start));
  return {
    payload: { key, start, complete, onDamage },
    opened: { fileKey, headerBytes: header.bytes.length },
  };
}
