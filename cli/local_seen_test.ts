import assert from "node:assert/strict";
import { join } from "node:path";
import type { VaultraEvent } from "../core/events.ts";
import { localSeen } from "./local_seen.ts";

const backup = { id: "20261121T020000Z-full-0001", record: "a".repeat(64) };
const other = { id: "20261122T020000Z-full-0002", record: "b".repeat(64) };

async function withMemory(
  work: (memory: NonNullable<ReturnType<typeof localSeen>>, folder: string, told: string[]) => Promise<void>,
): Promise<void> {
  const state = await Deno.makeTempDir();
  const told: string[] = [];
  const listener = (event: VaultraEvent) =>
    void told.push(event.type === "warning" ? event.code : event.type);
  try {
    await work(localSeen({ XDG_STATE_HOME: state }, listener)!, join(state, "vaultra", "seen"), told);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

Deno.test("localSeen() keeps one small file of each store and job, for its owner alone", async () => {
  await withMemory(async (memory, folder, told) => {
    assert.equal(await memory.newest("file:/a", "shop"), undefined);
    await memory.keep("file:/a", "shop", other);
    await memory.keep("file:/a", "shop", backup);
    await memory.keep("file:/b", "shop", other);
    await memory.keep("file:/a", "sh\u{1F600}op", other);
    assert.deepEqual(await memory.newest("file:/a", "shop"), backup);
    assert.deepEqual(await memory.newest("file:/b", "shop"), other);
    const files = await names(folder);
    assert.equal(files.length, 3);
    for (const name of files) {
      const { mode, size } = await Deno.stat(join(folder, name));
      if (Deno.build.os !== "windows") assert.equal(mode! & 0o777, 0o600);
      assert.ok(size < 300);
    }
    await memory.keep("file:/a", "shop", undefined);
    await memory.keep("file:/a", "never", undefined);
    assert.equal(await memory.newest("file:/a", "shop"), undefined);
    assert.deepEqual(told, []);
  });
});

Deno.test("localSeen() warns of a damaged file, forgets what it said and writes it anew", async () => {
  await withMemory(async (memory, folder, told) => {
    await memory.keep("file:/a", "shop", backup);
    const path = join(folder, (await names(folder))[0]!);
    const sound = await Deno.readTextFile(path);
    for (
      const damaged of [
        "",
        "{}",
        "[".repeat(10_000),
        sound.slice(0, -9),
        " ".repeat(70_000) + sound,
        '{"id":"../x"}',
      ]
    ) {
      told.length = 0;
      await Deno.writeTextFile(path, damaged);
      assert.equal(await memory.newest("file:/a", "shop"), undefined);
      assert.deepEqual(told, ["signature.forgotten"]);
    }
    await memory.keep("file:/a", "shop", backup);
    assert.deepEqual(await memory.newest("file:/a", "shop"), backup);
  });
});

Deno.test("localSeen() tells in the log what it can't keep, leaves nothing behind, and has no memory without a home", async () => {
  await withMemory(async (memory, folder, told) => {
    await memory.keep("file:/a", "shop", backup);
    const path = join(folder, (await names(folder))[0]!);
    await Deno.remove(path);
    // A folder stands where the file must be, so that not even root can put it there.
    await Deno.mkdir(join(path, "x"), { recursive: true });
    await memory.keep("file:/a", "shop", backup);
    assert.deepEqual(told, ["log"]);
    assert.equal((await names(folder)).length, 1);
  });
  assert.equal(localSeen({}, () => {}), undefined);
});
