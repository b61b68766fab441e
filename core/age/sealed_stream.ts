import type { FramePool } from "../archive/frame_pool.ts";
import type { Encryption } from "../config/job.ts";
import { joinBlocks } from "../streams/blocks.ts";
import type { Bytes, ByteStream } from "../streams/bytes.ts";
import { inPieces } from "../streams/pieces.ts";
import { sideBySide } from "../streams/side_by_side.ts";
import { PLAIN_CHUNK_BYTES } from "./chunks.ts";
import { NONCE_BYTES, payloadKey } from "./header.ts";
import { sealHeader } from "./seal_header.ts";

/** Chunks of a job: 1 MiB. */
const CHUNKS = 16;

/** For whom a stream is encrypted. */
export type Sealing = Encryption & {
  /** What a passphrase costs, as the logarithm of scrypt's N; default: age's 18. */
  readonly workFactor?: number;
};

/**
 * Encrypts a stream: the age file that holds it. Chunks are sealed in the pool, a few jobs ahead of whoever takes them.
 * @throws {VaultraError} `config.recipient`, `config.recipients`, and what the stream or the pool throws
 */
export async function* sealedStream(plain: ByteStream, sealing: Sealing, pool: FramePool): ByteStream {
  const { header, fileKey } = await sealHeader(sealing, sealing);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  yield joinBlocks([header, nonce]);
  const key = payloadKey(fileKey, nonce);
  const free: Bytes[] = [];
  const pieces = inPieces(
    plain,
    CHUNKS * PLAIN_CHUNK_BYTES,
    () => free.pop() ?? new Uint8Array(CHUNKS * PLAIN_CHUNK_BYTES),
  );
  let next = 0;
  yield* sideBySide(pieces, pool.size + 2, async ({ bytes, last }) => {
    const run = { key, first: next, last };
    next += CHUNKS;
    const { sealed, buffer } = await pool.seal(bytes, run);
    free.push(new Uint8Array(buffer));
    return sealed;
  });
}
