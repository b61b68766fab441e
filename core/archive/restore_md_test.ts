import assert from "node:assert/strict";
import { join } from "node:path";
import { type Compression, compressions } from "./format.ts";
import { FramePool } from "./frame_pool.ts";
import { ageDecrypt, ageKeygen, type AgePair, agePassphrase } from "../../tests/fakes/age_program.ts";
import { ArchiveReader } from "./reader.ts";
import { sampleBytes } from "../../tests/fakes/sample_bytes.ts";
import { MemorySource, testArchive } from "../../tests/fakes/test_archive.ts";

const instructions = "Join the parts:\n\n```sh\ncat data/000001.users/* > users.bin\n```\n";

for (const compression of compressions) {
  Deno.test(`restoreInstructions() are commands that restore the archive (${compression})`, async () => {
    await tryCommands(compression);
  });

  Deno.test(`restoreInstructions() are commands that restore the encrypted archive (${compression})`, async () => {
    await tryCommands(compression, await ageKeygen());
  });
}

Deno.test("restoreInstructions() let age ask for the passphrase", async () => {
  const encryption = { passphrase: "correct horse", workFactor: 10 };
  await using pool = FramePool.open({ workers: 1 });
  const { bytes, record } = await testArchive(pool, "zstd", [], { instructions, encryption });
  const plain = await agePassphrase("-d", bytes, encryption.passphrase);
  const [command] = await commandsOf(pool, plain);
  assert.equal(command, `age -d ${record.archive.name} | zstd -dc | tar -xf -\n`);
});

/** Runs the commands of an archive in a folder that holds it, and the identity's file when it is encrypted. */
async function tryCommands(compression: Compression, pair?: AgePair): Promise<void> {
  await using pool = FramePool.open({ workers: 1 });
  const contents = [sampleBytes(2_000_000, 1), sampleBytes(100, 2)];
  const entries = contents.map((content) =>
    ({ section: "data", name: "users", object: 1, content }) as const
  );
  const encryption = pair === undefined ? undefined : { recipients: [pair.recipient] };
  const { bytes, record } = await testArchive(pool, compression, entries, { instructions, encryption });
  const plain = pair === undefined ? bytes : await ageDecrypt(bytes, pair.identity);
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(join(folder, record.archive.name), bytes);
    if (pair !== undefined) await Deno.writeTextFile(join(folder, "KEYFILE"), pair.identity);
    const printed = [];
    for (const command of await commandsOf(pool, plain)) {
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
