/** Archives of every format version stay readable: by Vaultra in every way, and by tar, zstd and gzip alone. */
import assert from "node:assert/strict";
import { FramePool } from "../../core/archive/frame_pool.ts";
import { readArchive, ways } from "../fakes/read_archive.ts";
import { pipeThrough, sha256 } from "../fakes/sample_bytes.ts";

/** An entry as `contents.json` lists it. */
interface Listed {
  readonly section: string;
  readonly name: string;
  readonly object?: number;
  readonly rows: number;
  readonly continues: boolean;
  readonly raw: number;
  readonly sha256: string;
}

const folder = new URL("../testdata/archive-v1/", import.meta.url);
const contents: Record<string, Listed[]> = JSON.parse(
  await Deno.readTextFile(new URL("contents.json", folder)),
);
const decompressors: Readonly<Record<string, string>> = { zst: "zstd", gz: "gzip", tar: "cat" };

for (const [file, listed] of Object.entries(contents)) {
  Deno.test(`version 1: ${file} is read in every way`, async () => {
    await using pool = FramePool.open({ workers: 1 });
    const bytes = await Deno.readFile(new URL(file, folder));
    const record = JSON.parse(await Deno.readTextFile(new URL(file.replace(/\.tar.*/, ".json"), folder)));
    assert.equal(record.archive.sha256, sha256(bytes));
    for (const way of ways) {
      const { entries, error } = await readArchive(bytes, way, { pool, record });
      assert.equal(error, undefined, `${way}: ${error instanceof Error ? error.stack : error}`);
      assert.deepEqual(entries.map(({ path: _path, part: _part, ...entry }) => entry), listed, way);
    }
  });

  Deno.test(`version 1: ${file} is unpacked by standard tools`, async () => {
    const decompressor = decompressors[file.slice(file.lastIndexOf(".") + 1)]!;
    const bytes = await Deno.readFile(new URL(file, folder));
    const tar = await pipeThrough([decompressor, ...(decompressor === "cat" ? [] : ["-dc"])], bytes);
    const target = await Deno.makeTempDir();
    try {
      await pipeThrough(["tar", "-xf", "-", "--warning=no-unknown-keyword", "-C", target], tar);
      const found = await Array.fromAsync(filesOf(target), async (path) => sha256(await Deno.readFile(path)));
      for (const { name, sha256 } of listed) assert.ok(found.includes(sha256), `${name} was not unpacked`);
      // Besides them the header, RESTORE.md, one piece of the index and the manifest.
      assert.equal(found.length, listed.length + 4);
    } finally {
      await Deno.remove(target, { recursive: true });
    }
  });
}

async function* filesOf(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesOf(path);
    else yield path;
  }
}
