import assert from "node:assert/strict";
import { sideBySide } from "./side_by_side.ts";

async function* numbers(count: number, onEnd = () => {}): AsyncGenerator<number> {
  try {
    for (let n = 0; n < count; n++) yield await Promise.resolve(n);
  } finally {
    onEnd();
  }
}

Deno.test("sideBySide() works at no more items than it may, and keeps their order", async () => {
  let [running, most] = [0, 0];
  const work = async (n: number) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, n * 7 % 5));
    running--;
    return n * 2;
  };
  const results = await Array.fromAsync(sideBySide(numbers(50), 4, work));
  assert.deepEqual(results, Array.from({ length: 50 }, (_, n) => n * 2));
  assert.equal(most, 4);
});

Deno.test("sideBySide() gives what came before a failure, and closes the stream", async () => {
  let closed = false;
  const work = (n: number) => n === 5 ? Promise.reject(new Error("five")) : Promise.resolve(n);
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const n of sideBySide(numbers(50, () => closed = true), 4, work)) seen.push(n);
  }, /five/);
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  assert.ok(closed);
});
