import type { Bytes } from "../../core/streams/bytes.ts";

/** Bytes in a buffer of exactly their length, to be transferred: the same buffer where it fits, else a copy. */
export function givenBytes(bytes: Bytes): Bytes {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
