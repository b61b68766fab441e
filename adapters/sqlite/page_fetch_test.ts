import assert from "node:assert/strict";
import { VaultraError } from "../../core/errors.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { backUp, type MemoryArchive, MemoryReader, restore } from "../../tests/fakes/sqlite_kit.ts";
import { joinBlocks } from "../../core/streams/blocks.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { PageFetch } from "./page_fetch.ts";
import { PageFile } from "./page_file.ts";

/** An archive with its parts changed. */
function changed(archive: MemoryArchive, change: (bytes: Bytes, part: number) => Bytes): MemoryArchive {
  const entries = archive.entries.map((entry) => {
    return { ...entry, bytes: [change(joinBlocks(entry.bytes).slice(), entry.part)] };
  });
  return { ...archive, entries };
}

const damaged = (error: unknown) => error instanceof VaultraError && error.family === "damaged";

Deno.test("PageFetch ends on trees that lead in circles or out of the file", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.db`;
  buildSample(path, { rows: 5000 });
  const root = Number(run("sqlite3", path, "select rootpage from sqlite_schema where name = 'orders'"));
  const archive = await backUp(path, { partBytes: 1 << 20 });
  const targets: Record<string, number> = {
    "the page itself": root,
    "the first page": 1,
    "page 0": 0,
    "a page past the end": 2 ** 32 - 1,
  };
  for (const [name, child] of Object.entries(targets)) {
    const hostile = changed(archive, (bytes, part) => {
      if (part === 0) new DataView(bytes.buffer).setUint32((root - 1) * 4096 + 8, child);
      return bytes;
    });
    await assert.rejects(restore(hostile, `${folder.path}/b.db`, { only: ["orders"] }), damaged, name);
  }
});

Deno.test("PageFetch refuses layouts that are no database", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`);
  const archive = await backUp(`${folder.path}/a.db`);
  const layouts = [[4097], [4096, 0], [2 ** 53], [4096, -4096, 8192]];
  for (const layout of layouts) {
    const reader = new MemoryReader(archive);
    reader.layout = () => Promise.resolve(layout);
    const fetching = PageFetch.create(reader, `${folder.path}/pages`).then(async (fetch) => {
      using _fetch = fetch;
      await fetch?.fetch([1]);
    });
    await assert.rejects(fetching, JSON.stringify(layout));
    try {
      Deno.removeSync(`${folder.path}/pages`);
    } catch (thrown) {
      assert.ok(thrown instanceof Deno.errors.NotFound);
    }
  }
});

Deno.test("PageFetch never hangs or gives wrong rows for flipped bytes in pages", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.db`;
  buildSample(path, { rows: 300, pageSize: 1024 });
  const archive = await backUp(path, { proof: "rows" });
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  let refused = 0;
  for (let round = 0; round < 150; round++) {
    const hostile = changed(archive, (bytes) => {
      const page = random(bytes.length / 1024) * 1024;
      for (let flips = 0; flips < 4; flips++) bytes[page + random(16)] = random(256);
      return bytes;
    });
    try {
      await restore(hostile, `${folder.path}/b.db`, { only: ["*"], exclude: ["boxes"], ifExists: "fail" });
      Deno.removeSync(`${folder.path}/b.db`);
    } catch (thrown) {
      assert.ok(thrown instanceof VaultraError, String(thrown));
      refused++;
    }
    assert.deepEqual([...Deno.readDirSync(folder.path)].map((entry) => entry.name), ["a.db"]);
  }
  assert.ok(refused > 20, `${refused} refused`);
});

Deno.test("pages on their way to a target are for their owner alone", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`);
  const reader = new MemoryReader(await backUp(`${folder.path}/a.db`));
  const mask = Deno.umask(0);
  try {
    using _fetched = await PageFetch.create(reader, `${folder.path}/fetched`);
    using _streamed = new PageFile(`${folder.path}/streamed`, 0o600);
    for (const name of ["fetched", "streamed"]) {
      assert.equal(Deno.statSync(`${folder.path}/${name}`).mode! & 0o777, 0o600);
    }
  } finally {
    Deno.umask(mask);
  }
});
