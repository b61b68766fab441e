import { VaultraError } from "../../core/errors.ts";
import type { ByteRange } from "../../core/store.ts";
import { abortError } from "../../core/streams/abortable.ts";
import { type Bytes, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import { fileError } from "./file_error.ts";

/**
 * A range of a file's bytes in blocks of up to 1 MiB. The file is opened when the first block is asked for,
 * so that a stream that nobody reads holds nothing open.
 * @throws {VaultraError} `damaged.short-object` when the file ends before the range does.
 */
export async function* readRange(
  path: string,
  key: string,
  { offset, length }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Bytes, void, void> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const end = length === undefined ? Math.max(size, offset) : offset + length;
    if (end > size) throw shortObject(key, end, size);
    if (offset > 0) await file.seek(offset, Deno.SeekMode.Start);
    let buffer = new Uint8Array(Math.min(CHUNK_BYTES, end - offset));
    for (let at = offset; at < end;) {
      if (signal.aborted) throw abortError(signal);
      // The reader may have sent the block's buffer on to another Worker.
      if (buffer.buffer.detached) buffer = new Uint8Array(CHUNK_BYTES);
      const count = await file.read(buffer.subarray(0, Math.min(buffer.length, end - at)));
      if (count === null) throw shortObject(key, end, at);
      at += count;
      yield buffer.subarray(0, count);
    }
  } catch (error) {
    throw fileError(error, `read "${key}"`);
  }
}

function shortObject(key: string, wanted: number, found: number): VaultraError {
  return new VaultraError(
    "damaged.short-object",
    `Object "${key}" ends after ${found} bytes, though ${wanted} were expected`,
    { hint: "It was cut off after it was stored: use another copy of the backup." },
  );
}
