/**
 * What every store must do, as tests. A store's author calls {@linkcode storeSuite} in a test file.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { VaultraError } from "../../core/errors.ts";
import type { ByteRange, ObjectStore } from "../../core/store.ts";
import { compareKeys } from "../../core/store_key.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";

/** What a store under test cannot be asked for. */
export interface StoreSuiteOptions {
  /** Objects in the test of long lists; default 2,500, more than two pages of any service. */
  readonly listed?: number;
}

/**
 * Registers the tests of one store.
 * @param name How the tests call the store.
 * @param open Opens a store that is empty; each test opens one of its own and disposes of it.
 */
export function storeSuite(
  name: string,
  open: () => Promise<ObjectStore>,
  { listed = 2_500 }: StoreSuiteOptions = {},
): void {
  const test = (behaviour: string, run: (store: ObjectStore) => Promise<void>) =>
    Deno.test(`${name} store ${behaviour}`, async () => {
      await using store = await open();
      await run(store);
    });
  const conditional = (behaviour: string, run: (store: ObjectStore) => Promise<void>) =>
    test(behaviour, async (store) => {
      if (store.capabilities.conditionalPut) await run(store);
    });

  test("stores objects of 0 bytes, 1 byte and several MiB in odd blocks", async (store) => {
    const large = pattern(5 * 1024 * 1024 + 13);
    for (
      const [key, bytes, block] of [["none", pattern(0), 1], ["one", pattern(1), 1], [
        "large",
        large,
        65_537,
      ]] as const
    ) {
      const info = await store.put(key, cut(bytes, block));
      assert.equal(info.key, key);
      assert.equal(info.size, bytes.length);
      assert.equal(digest(await read(store, key)), digest(bytes), key);
      assert.deepEqual(await store.stat(key), info);
    }
    assert.equal((await store.put("blocks", cut(pattern(3_000), 7))).size, 3_000);
    assert.equal(digest(await read(store, "blocks")), digest(pattern(3_000)));
  });

  test("keeps a stored object's bytes though the writer's buffer changes afterwards", async (store) => {
    const buffer = new Uint8Array(4);
    await store.put(
      "reused",
      (async function* () {
        for (const value of [1, 2, 3]) yield await Promise.resolve(buffer.fill(value));
      })(),
    );
    assert.deepEqual([...await read(store, "reused")], [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
  });

  test("tells the time of the last change in UTC", async (store) => {
    const { modified } = await store.put("a", cut(pattern(1)));
    assert.match(modified, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  });

  test("reads ranges: first, middle, last, none and to the end", async (store) => {
    const bytes = pattern(2_500_000);
    await store.put("a", cut(bytes, 1 << 20));
    const ranges: readonly ByteRange[] = [
      { offset: 0, length: 1 },
      { offset: 0, length: 2_500_000 },
      { offset: 1_048_575, length: 2 },
      { offset: 999_999, length: 1_200_001 },
      { offset: 2_499_999, length: 1 },
      { offset: 2_499_000 },
      { offset: 2_500_000 },
      { offset: 17, length: 0 },
    ];
    for (const range of ranges) {
      const { offset, length = bytes.length - offset } = range;
      const wanted = bytes.subarray(offset, offset + length);
      assert.equal(digest(await read(store, "a", range)), digest(wanted), JSON.stringify(range));
    }
  });

  test("refuses a range that reaches beyond the object", async (store) => {
    await store.put("a", cut(pattern(10)));
    for (const range of [{ offset: 5, length: 6 }, { offset: 10, length: 1 }, { offset: 11 }]) {
      await assert.rejects(read(store, "a", range), { code: "damaged.short-object" }, JSON.stringify(range));
    }
  });

  test("answers for an object that is absent", async (store) => {
    assert.equal(await store.stat("a/b"), null);
    await assert.rejects(read(store, "a/b"), { code: "store.not-found" });
    await store.remove("a/b");
    assert.deepEqual(await keys(store, ""), []);
  });

  test("replaces an object whole and changes its etag", async (store) => {
    const etags = new Set<string>();
    for (let size = 20; size > 15; size--) {
      etags.add((await store.put("a", cut(pattern(size)))).etag);
      assert.equal((await read(store, "a")).length, size);
    }
    for (let i = 0; i < 5; i++) etags.add((await store.put("a", cut(pattern(15)))).etag);
    assert.equal(etags.size, 10);
    assert.deepEqual(await keys(store, ""), ["a"]);
  });

  test("removes an object", async (store) => {
    await store.put("a/b", cut(pattern(1)));
    await store.remove("a/b");
    assert.equal(await store.stat("a/b"), null);
    assert.deepEqual(await keys(store, ""), []);
    await store.put("a/b", cut(pattern(2)));
    assert.equal((await read(store, "a/b")).length, 2);
  });

  test(`lists ${listed} objects in the order of their keys`, async (store) => {
    const wanted: string[] = [];
    for (let i = 0; i < listed; i++) wanted.push(`list/${i % 7}/${i}`);
    await Promise.all(Array.from({ length: 8 }, async (_, lane) => {
      for (let i = lane; i < listed; i += 8) await store.put(wanted[i]!, cut(pattern(i % 3)));
    }));
    await store.put("other", cut(pattern(1)));
    assert.deepEqual(await keys(store, "list/"), wanted.toSorted(compareKeys));
    assert.deepEqual(
      await keys(store, "list/3/1"),
      wanted.filter((key) => key.startsWith("list/3/1")).sort(compareKeys),
    );
    assert.deepEqual(await keys(store, "list/nothing"), []);
  });

  test("lists by any beginning of a key, folders among files", async (store) => {
    const wanted = ["a", "a!", "a.b", "a0", "ab/c", "ab/c.d", "ab/d/e", "ab0", "b/\uffee", "b/😀"];
    for (const key of wanted.toReversed()) await store.put(key, cut(pattern(1)));
    assert.deepEqual(await keys(store, ""), wanted.toSorted(compareKeys));
    assert.deepEqual(await keys(store, "ab"), ["ab/c", "ab/c.d", "ab/d/e", "ab0"]);
    assert.deepEqual(await keys(store, "ab/"), ["ab/c", "ab/c.d", "ab/d/e"]);
    assert.deepEqual(await keys(store, "ab/c."), ["ab/c.d"]);
    assert.deepEqual(await keys(store, "ab/c/"), []);
    assert.deepEqual(await keys(store, "../"), []);
    const [first] = await Array.fromAsync(store.list("a"));
    assert.deepEqual(first, await store.stat("a"));
  });

  test("keeps odd names as they are", async (store) => {
    const odd = [
      "with space/a  b",
      "50%25/%2F",
      "plus+and&=;@,$",
      "it's (fine) [really] {so} #1!",
      "ünïcödé/日本語/😀",
      "~tilde/^caret`",
      ".hidden/.file",
      `long/${"x".repeat(200)}`,
      `${"deep/".repeat(30)}end`,
      "-dash/--force",
      "__proto__/constructor",
    ];
    for (const key of odd) await store.put(key, cut(new TextEncoder().encode(key)));
    assert.deepEqual(await keys(store, ""), odd.toSorted(compareKeys));
    for (const key of odd) assert.equal(new TextDecoder().decode(await read(store, key)), key);
    for (const key of odd) await store.remove(key);
    assert.deepEqual(await keys(store, ""), []);
  });

  test("refuses keys that no store can hold or that lead out", async (store) => {
    for (
      const key of ["", "/a", "../a", "a/../../b", "a//b", "a/", "./a", "a\\b", "a\0", "nul", "x".repeat(201)]
    ) {
      const refused = { code: "store.invalid-key" };
      await assert.rejects(store.put(key, cut(pattern(1))), refused, key);
      await assert.rejects(store.stat(key), refused, key);
      await assert.rejects(read(store, key), refused, key);
      await assert.rejects(store.remove(key), refused, key);
    }
    assert.deepEqual(await keys(store, ""), []);
  });

  conditional("puts with ifAbsent only where nothing is", async (store) => {
    await store.put("a", cut(pattern(1)), { ifAbsent: true });
    await assert.rejects(store.put("a", cut(pattern(2)), { ifAbsent: true }), { code: "store.exists" });
    assert.equal((await read(store, "a")).length, 1);
    await store.remove("a");
    await store.put("a", cut(pattern(3)), { ifAbsent: true });
  });

  conditional("puts and removes with ifMatch only what was not changed", async (store) => {
    const first = await store.put("a", cut(pattern(1)));
    const second = await store.put("a", cut(pattern(2)), { ifMatch: first.etag });
    const stale = { code: "store.changed" };
    await assert.rejects(store.put("a", cut(pattern(3)), { ifMatch: first.etag }), stale);
    await assert.rejects(store.remove("a", { ifMatch: first.etag }), stale);
    assert.equal((await read(store, "a")).length, 2);
    await store.remove("a", { ifMatch: second.etag });
    await assert.rejects(store.put("a", cut(pattern(3)), { ifMatch: second.etag }), stale);
    assert.equal(await store.stat("a"), null);
  });

  conditional("lets exactly one of 10 racing writers win", async (store) => {
    const race = async (options: { ifAbsent: true } | { ifMatch: string }, code: string) => {
      const racers = Array.from(
        { length: 10 },
        (_, i) => store.put("race", cut(pattern(1_000 + i), 100), options),
      );
      const results = await Promise.allSettled(racers);
      const won = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
      assert.equal(won.length, 1);
      for (const result of results) {
        if (result.status === "rejected") assert.equal(result.reason.code, code);
      }
      assert.deepEqual(await store.stat("race"), won[0]);
      assert.equal((await read(store, "race")).length, won[0]!.size);
      return won[0]!;
    };
    const { etag } = await race({ ifAbsent: true }, "store.exists");
    await race({ ifMatch: etag }, "store.changed");
    assert.deepEqual(await keys(store, ""), ["race"]);
  });

  test("leaves nothing when a put is aborted in the middle", async (store) => {
    await store.put("kept", cut(pattern(10)));
    for (const key of ["new", "kept"]) {
      const controller = new AbortController();
      const body = async function* (): ByteStreamSource {
        yield pattern(300_000);
        controller.abort(new VaultraError("interrupted", "Stopped by the test"));
        await new Promise(() => {});
      };
      const options = { signal: controller.signal };
      await assert.rejects(store.put(key, body(), options), { code: "interrupted" });
    }
    await nothingBut(store, "kept", 10);
  });

  test("leaves nothing when the body fails, and passes its error on", async (store) => {
    await store.put("kept", cut(pattern(10)));
    for (const key of ["new", "kept"]) {
      const body = async function* (): ByteStreamSource {
        yield await Promise.resolve(pattern(300_000));
        throw new VaultraError("database.gone", "The database went away");
      };
      await assert.rejects(store.put(key, body()), { code: "database.gone" });
    }
    await nothingBut(store, "kept", 10);
  });

  test("stores nothing when the signal was aborted before", async (store) => {
    const signal = AbortSignal.abort(new VaultraError("interrupted", "Stopped by the test"));
    await assert.rejects(store.put("a", cut(pattern(10)), { signal }), { code: "interrupted" });
    assert.deepEqual(await keys(store, ""), []);
  });

  test("shows an upload under way neither in lists nor as unfinished", async (store) => {
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const put = store.put(
      "a/b",
      (async function* (): ByteStreamSource {
        yield pattern(300_000);
        begun.resolve();
        await gate.promise;
        yield pattern(1);
      })(),
    );
    await begun.promise;
    assert.deepEqual(await keys(store, ""), []);
    assert.equal(await store.stat("a/b"), null);
    await assert.rejects(read(store, "a/b"), { code: "store.not-found" });
    gate.resolve();
    assert.equal((await put).size, 300_001);
    assert.deepEqual(await keys(store, ""), ["a/b"]);
    assert.deepEqual(await Array.fromAsync(store.unfinished()), []);
  });

  test("lets a reader leave early", async (store) => {
    await store.put("a", cut(pattern(3_000_000), 1 << 20));
    for await (const block of await store.get("a")) {
      assert.ok(block.length > 0);
      break;
    }
    await store.get("a");
    await store.remove("a");
  });
}

type ByteStreamSource = AsyncGenerator<Bytes, void, void>;

/** Bytes that repeat with no period that a block's length shares. */
export function pattern(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let i = 0, value = 1; i < length; i++) bytes[i] = value = (value * 31 + 7 + (i >>> 8)) & 0xff;
  return bytes;
}

/** Bytes as a stream of blocks of one length. */
export async function* cut(bytes: Bytes, block = 65_536): ByteStreamSource {
  for (let at = 0; at < bytes.length; at += block) yield await Promise.resolve(bytes.slice(at, at + block));
}

/** The whole content of an object or range. */
export async function read(store: ObjectStore, key: string, range?: ByteRange): Promise<Bytes> {
  return await collect(await store.get(key, range));
}

/** The keys that a store lists. */
export async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
}

async function collect(stream: ByteStream): Promise<Bytes> {
  const blocks: Bytes[] = [];
  for await (const block of stream) blocks.push(block.slice());
  return new Uint8Array(await new Blob(blocks).arrayBuffer());
}

function digest(bytes: Bytes): string {
  return `${bytes.length}:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function nothingBut(store: ObjectStore, key: string, size: number): Promise<void> {
  assert.deepEqual(await keys(store, ""), [key]);
  assert.equal((await read(store, key)).length, size);
  assert.deepEqual(await Array.fromAsync(store.unfinished()), []);
}
