import assert from "node:assert/strict";
import { join } from "node:path";
import { compressions } from "./format.ts";
import { FramePool } from "./frame_pool.ts";
import { ArchiveReader } from "./reader.ts";
import { MemorySource, sampleBytes, testArchive } from "../../tests/fakes/test_archive.ts";

const instructions = "Join the parts:\n\n```sh\ncat data/000001.users/* > users.bin\n```\n";

for (const compression of compressions) {
  Deno.test(`restoreInstructions() are commands that restore the archive (${compression})`, async () => {
    await using pool = FramePool.open({ workers: 1 });
    const contents = [sampleBytes(2_000_000, 1), sampleBytes(100, 2)];
    const entries = contents.map((content) =>
      ({ section: "data", name: "users", object: 1, content }) as const
    );
    const { bytes, record } = await testArchive(pool, compression, entries, { instructions });
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeFile(join(folder, record.archive.name), bytes);
      const printed = [];
      for (const command of await commandsOf(pool, bytes)) {
        const { success, stdout, stderr } = await new Deno.Command("sh", {
          args: ["-ec", command],
          cwd: folder,
        }).output();
        assert.ok(success, `${command}: ${new TextDecoder().decode(stderr)}`);
        printed.push(new TextDecoder().decode(stdout));
      }
      assert.deepEqual(
        await Deno.readFile(join(folder, "users.bin")),
        new Uint8Array(await new Blob(contents).arrayBuffer()),
      );
      assert.match(printed.at(-1)!, new RegExp(`^${record.archive.sha256} `));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** The fenced commands of an archive's RESTORE.md. */
async function commandsOf(pool: FramePool, bytes: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const source = new MemorySource(bytes);
  const reader = await ArchiveReader.open(source, { pool, signal: new AbortController().signal });
  const { path, raw } = reader.manifest.restore;
  assert.equal(path, "RESTORE.md");
  // The first frame holds it; a standard tool prints it.
  const command = { zstd: "zstd -dc", gzip: "gzip -dc", none: "cat" }[reader.compression];
  const child = new Deno.Command("sh", {
    args: ["-c", `${command} | tar -xOf - ${path}`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(bytes).then(() => writer.close()).catch(() => {});
  const [{ stdout }] = await Promise.all([child.output(), written]);
  const text = new TextDecoder().decode(stdout);
  assert.equal(stdout.length, raw);
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, command]) => command!);
}
