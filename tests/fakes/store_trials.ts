/**
 * Trials of the file store that need a process with less than the tests have. Arguments:
 * `full-disk FOLDER` on a file system of 1 MiB that the process may remount; `denied FOLDER` without the rights
 * that let root pass over a folder's mode. The exit code is 0 when the store did as it should.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../core/streams/bytes.ts";
import { FileStore } from "../../stores/file/store.ts";
import { syncFolder } from "./sync_folder.ts";

const [trial, folder] = Deno.args as [string, string];
const store = new FileStore(folder, { signal: new AbortController().signal, syncFolder });

async function* bytes(length: number): AsyncGenerator<Bytes> {
  yield await Promise.resolve(new Uint8Array(length).fill(7));
}

async function keys(): Promise<string[]> {
  return (await Array.fromAsync(store.list(""))).map(({ key }) => key);
}

async function names(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
}

async function fullDisk(): Promise<void> {
  await store.put("job/kept", bytes(1000));
  const before = await names(`${folder}/job`);
  await assert.rejects(store.put("job/large", bytes(2 << 20)), { code: "store.disk-full" });
  await assert.rejects(store.put("job/kept", bytes(2 << 20)), { code: "store.disk-full" });
  assert.deepEqual(await keys(), ["job/kept"]);
  assert.deepEqual(await names(`${folder}/job`), before);
  assert.equal((await store.stat("job/kept"))?.size, 1000);
  const space = (await Array.fromAsync(store.checks())).find(({ name }) => name === "file.space");
  assert.equal(space?.status, "warning");
  const remount = await new Deno.Command("mount", { args: ["-o", "remount,bind,ro", folder] }).output();
  assert.ok(remount.success, new TextDecoder().decode(remount.stderr));
  await assert.rejects(store.put("job/new", bytes(1)), { code: "store.denied", message: /read-only/ });
  await assert.rejects(store.remove("job/kept"), { code: "store.denied" });
  assert.deepEqual(await keys(), ["job/kept"]);
}

async function denied(): Promise<void> {
  await store.put("job/a", bytes(1));
  await Deno.chmod(`${folder}/job`, 0o500);
  await assert.rejects(store.put("job/b", bytes(1)), { code: "store.denied" });
  await assert.rejects(store.remove("job/a"), { code: "store.denied" });
  assert.deepEqual(await keys(), ["job/a"]);
  await Deno.chmod(`${folder}/job`, 0);
  await assert.rejects(keys(), { code: "store.denied" });
  await assert.rejects(store.get("job/a"), { code: "store.denied" });
  await Deno.chmod(`${folder}/job`, 0o700);
}

const trials: Readonly<Record<string, () => Promise<void>>> = { "full-disk": fullDisk, denied };
await trials[trial]!();
