import assert from "node:assert/strict";
import { concat, sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { VaultraError } from "../errors.ts";
import { codecNamed } from "./codecs.ts";
import { FramePool } from "./frame_pool.ts";

const zstd = codecNamed("zstd");
const gzip = codecNamed("gzip");
const source = sampleBytes(300_000);

/** A Worker's module that does what the source says. */
function moduleOf(source: string): string {
  return `data:application/javascript,${encodeURIComponent(source)}`;
}

Deno.test("FramePool.compress() joins the pieces and gives their buffers back in order, 200 jobs at once", async () => {
  await using pool = FramePool.open({ workers: 3 });
  await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const codec = [zstd, gzip, codecNamed("none")][i % 3]!;
    const raw = source.subarray(i * 100, i * 100 + i * 500);
    const cut = Math.floor(raw.length / 3);
    const pieces = i % 4 === 0 ? [raw.slice()] : [raw.slice(0, cut), raw.slice(cut, cut), raw.slice(cut)];
    const lengths = pieces.map((piece) => piece.buffer.byteLength);
    const { frame, buffers } = await pool.compress(codec, codec.levels.default, pieces);
    assert.deepEqual(buffers.map((buffer) => buffer.byteLength), lengths);
    assert.deepEqual(concat(buffers.map((buffer) => new Uint8Array(buffer))), raw);
    assert.deepEqual(codec.decompress(frame, raw.length), raw);
    assert.deepEqual(await pool.decompress(codec, frame, raw.length), raw);
    assert.equal(frame.length, 0, "the frame was not transferred");
  }));
});

Deno.test("FramePool.compress() takes pieces that fill only a part of their buffers", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const buffer = source.slice(0, 1000).buffer;
  const { frame, buffers } = await pool.compress(zstd, 3, [
    new Uint8Array(buffer, 100, 50),
    source.slice(0, 10),
  ]);
  assert.deepEqual(zstd.decompress(frame, 100), concat([source.subarray(100, 150), source.subarray(0, 10)]));
  assert.equal(buffers[0]!.byteLength, 1000);
});

Deno.test("FramePool.decompress() fails with the codec's error and goes on with other jobs", async () => {
  await using pool = FramePool.open({ workers: 2 });
  const good = zstd.compress(source, 1);
  const jobs = Array.from(
    { length: 10 },
    (_, i) => pool.decompress(zstd, good.slice(0, good.length - i % 2), 300_000),
  );
  for (const [i, job] of jobs.entries()) {
    if (i % 2 === 0) assert.deepEqual(await job, source);
    else {
      await assert.rejects(
        job,
        (error) =>
          error instanceof VaultraError && error.code === "damaged.frame" && error.hint !== undefined,
      );
    }
  }
});

Deno.test("FramePool.compress() fails when bytes cannot be transferred, and goes on", async () => {
  await using pool = FramePool.open({ workers: 1 });
  const gone = source.slice(0, 100);
  structuredClone(gone, { transfer: [gone.buffer] });
  await assert.rejects(pool.compress(zstd, 3, [gone]), { code: "internal" });
  assert.equal(
    zstd.decompress((await pool.compress(zstd, 3, [source.slice(0, 100)])).frame, 100).length,
    100,
  );
});

Deno.test("FramePool fails every job with the reason of an abort", async () => {
  const controller = new AbortController();
  await using pool = FramePool.open({ workers: 2, signal: controller.signal });
  const jobs = Array.from({ length: 12 }, () => pool.compress(zstd, 19, [source.slice()]));
  const reason = new VaultraError("interrupted", "Interrupted");
  controller.abort(reason);
  for (const job of jobs) await assert.rejects(job, (error) => error === reason);
  await assert.rejects(pool.compress(zstd, 3, []), (error) => error === reason);
  await assert.rejects(
    FramePool.open({ signal: controller.signal }).compress(zstd, 3, []),
    (error) => error === reason,
  );
});

Deno.test("FramePool fails every job when a Worker stops", async () => {
  const broken = {
    "throws while it starts": "throw new Error('broken')",
    "throws at a job": "onmessage = () => { throw new Error('broken'); }",
    "is not there": "import 'data:application/javascript,syntax error here'",
  };
  for (const [name, source_] of Object.entries(broken)) {
    await using pool = FramePool.open({ workers: 2, module: moduleOf(source_) });
    const jobs = Array.from({ length: 6 }, () => pool.compress(zstd, 3, [source.slice(0, 10)]));
    for (const job of jobs) await assert.rejects(job, { code: "internal.frame-worker" }, name);
    await assert.rejects(
      pool.decompress(zstd, source.slice(0, 10), 1),
      { code: "internal.frame-worker" },
      name,
    );
  }
});

Deno.test("FramePool gives its Workers no permission", async () => {
  const module = moduleOf(`
    const names = ["read", "write", "net", "env", "run", "ffi", "sys", "import"];
    onmessage = () => {
      const granted = names.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
      postMessage({ type: "failed", error: { code: "internal", message: "granted: " + granted.join() } });
    };`);
  await using pool = FramePool.open({ workers: 1, module });
  await assert.rejects(pool.compress(zstd, 3, []), { message: "granted: " });
});

Deno.test("FramePool fails jobs under way when it is disposed", async () => {
  let job: Promise<unknown>;
  {
    await using pool = FramePool.open({ workers: 1 });
    job = pool.compress(zstd, 19, [source.slice()]);
  }
  await assert.rejects(job, { code: "internal" });
});

Deno.test("FramePool has at least one Worker", () => {
  for (const [wanted, size] of [[0, 1], [-3, 1], [2.5, 2], [1000, 64]] as const) {
    assert.equal(FramePool.open({ workers: wanted }).size, size);
  }
  const size = FramePool.open().size;
  assert.ok(size >= 1 && size <= 8);
});
