import { type ErrorCode, toVaultraError, VaultraError } from "../errors.ts";
import type { ObjectReader } from "../store.ts";
import { joinBlocks } from "../streams/blocks.ts";
import type { Bytes } from "../streams/bytes.ts";

/**
 * All bytes of an object that must be small.
 * @throws {VaultraError} `code` when there are more than `limit` bytes; what the store throws.
 */
export async function readSmall(
  reader: ObjectReader,
  key: string,
  limit: number,
  code: ErrorCode,
): Promise<Bytes> {
  const blocks: Bytes[] = [];
  let length = 0;
  for await (const block of await reader.get(key)) {
    length += block.length;
    if (length > limit) throw new VaultraError(code, `Object "${key}" is longer than ${limit} bytes`);
    blocks.push(block.slice());
  }
  return joinBlocks(blocks);
}

/** {@linkcode readSmall}, or `undefined` when the store has no such object. */
export async function readIfThere(
  ...args: Parameters<typeof readSmall>
): Promise<Bytes | undefined> {
  try {
    return await readSmall(...args);
  } catch (error) {
    if (toVaultraError(error).code === "store.not-found") return undefined;
    throw error;
  }
}
