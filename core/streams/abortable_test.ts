import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import { abortable } from "./abortable.ts";
import type { Bytes } from "./bytes.ts";

Deno.test("abortable() passes all blocks and then ends", async () => {
  const blocks = [new Uint8Array([1]), new Uint8Array([2, 3])];
  const stream = (async function* (): AsyncGenerator<Bytes> {
    yield* blocks;
  })();
  assert.deepEqual(await Array.fromAsync(abortable(stream, new AbortController().signal)), blocks);
});

Deno.test("abortable() ends a stream that waits for ever, with the signal's reason", async () => {
  const controller = new AbortController();
  const stream = (async function* (): AsyncGenerator<Bytes> {
    yield new Uint8Array([1]);
    await new Promise(() => {});
  })();
  const reading = (async () => {
    for await (const _ of abortable(stream, controller.signal)) {
      queueMicrotask(() => controller.abort(new VaultraError("terminated", "Stopped")));
    }
  })();
  await assert.rejects(reading, { code: "terminated" });
});

Deno.test("abortable() closes the stream when its reader leaves early", async () => {
  let closed = false;
  const stream = (async function* (): AsyncGenerator<Bytes> {
    try {
      while (true) yield new Uint8Array([1]);
    } finally {
      closed = true;
    }
  })();
  for await (const _ of abortable(stream, new AbortController().signal)) break;
  assert.equal(closed, true);
});

Deno.test("abortable() passes the stream's own error on", async () => {
  const stream = (async function* (): AsyncGenerator<Bytes> {
    yield new Uint8Array([1]);
    throw new VaultraError("database.gone", "Gone");
  })();
  await assert.rejects(Array.fromAsync(abortable(stream, new AbortController().signal)), {
    code: "database.gone",
  });
});
