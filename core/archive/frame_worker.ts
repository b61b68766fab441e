/// <reference lib="deno.worker" />
/**
 * The Worker of a {@linkcode FramePool}: compresses and decompresses frames, encrypts and decrypts chunks, one job after
 * the other. It needs no permission. Every failure becomes an answer, because the runtime prints what a Worker throws.
 *
 * @module
 */
import { toVaultraError } from "../errors.ts";
import type { Bytes } from "../streams/bytes.ts";
import { codecNamed } from "./codecs.ts";
import type { FrameAnswer, FrameJob } from "./frame_pool.ts";

/** Where several pieces are joined; kept from job to job. */
let scratch: Bytes = new Uint8Array(0);

function join(pieces: readonly Bytes[]): Bytes {
  if (pieces.length === 1) return pieces[0]!;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (scratch.length < length) scratch = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    scratch.set(piece, at);
    at += piece.length;
  }
  return scratch.subarray(0, length);
}

async function run(job: FrameJob): Promise<FrameAnswer> {
  try {
    switch (job.type) {
      case "compress": {
        const buffers = job.pieces.map((piece) => piece.buffer);
        return { type: "done", bytes: codecNamed(job.codec).compress(join(job.pieces), job.level), buffers };
      }
      case "decompress": {
        const bytes = codecNamed(job.codec).decompress(job.frame, job.maxRaw);
        job.frame.buffer.transfer(0);
        return { type: "done", bytes, buffers: [] };
      }
      case "seal": {
        const { sealChunks } = await import("../age/chunk_cipher.ts");
        return { type: "done", bytes: sealChunks(job.plain, job.run), buffers: [job.plain.buffer] };
      }
      case "unseal": {
        const { openChunks } = await import("../age/chunk_cipher.ts");
        const { bytes, ...opened } = openChunks(job.sealed, job.run);
        job.sealed.buffer.transfer(0);
        return { type: "done", bytes, buffers: [], opened };
      }
    }
  } catch (error) {
    return { type: "failed", error: toVaultraError(error).toData() };
  }
}

/** The jobs so far: one that loads the cipher must not be overtaken by the next one. */
let turn = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<FrameJob>) => {
  turn = turn.then(async () => {
    const answer = await run(data);
    self.postMessage(answer, answer.type === "done" ? [answer.bytes.buffer, ...answer.buffers] : []);
  });
};
