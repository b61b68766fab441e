import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";

/** Bytes that are the same each time and compress about as well as rows of a table. */
export function sampleBytes(length: number, seed = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i | 0;
    bytes[i] = i % 3 === 0 ? state >>> 24 : 97 + (state >>> 29);
  }
  return bytes;
}

/** The blocks as one. */
export function concat(blocks: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    joined.set(block, at);
    at += block.length;
  }
  return joined;
}

/** The SHA-256 of the blocks, lower-case hex. */
export function sha256(...blocks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const block of blocks) hash.update(block);
  return hash.digest("hex");
}

/** The bytes as a stream of blocks of these lengths, over and over. */
export async function* inBlocks(bytes: Bytes, lengths: readonly number[]): ByteStream {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield bytes.slice(at, at + length);
    at += length;
    await Promise.resolve();
  }
}

/** What a program prints when it is fed `input`. Fails the test when the program fails. */
export async function pipeThrough(command: readonly string[], input: Uint8Array): Promise<Bytes> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  // A program that fails stops reading; its exit code tells why.
  const written = writer.write(input).then(() => writer.close()).catch(() => {});
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), written]);
  assert.ok(success, `${command.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return new Uint8Array(stdout);
}
