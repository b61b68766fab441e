import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { syncFolder } from "../../tests/fakes/sync_folder.ts";
import { FileStore } from "./store.ts";

const signal = new AbortController().signal;
const isRoot = Deno.uid() === 0;

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function open(root: string, sync = syncFolder): FileStore {
  return new FileStore(root, { signal, syncFolder: sync });
}

async function* bytes(length: number, block = 65_536): AsyncGenerator<Bytes> {
  for (let left = length; left > 0; left -= block) {
    yield await Promise.resolve(new Uint8Array(Math.min(left, block)).fill(7));
  }
}

async function keys(store: FileStore, prefix = ""): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("FileStore.put() creates files and folders that only their owner may read", async () => {
  await withFolder(async (folder) => {
    await open(`${folder}/a/b`).put("job/runs/x.json", bytes(10));
    const mode = async (path: string) => ((await Deno.stat(`${folder}/${path}`)).mode! & 0o777).toString(8);
    for (const path of ["a", "a/b", "a/b/job", "a/b/job/runs"]) assert.equal(await mode(path), "700", path);
    for (const path of ["a/b/job/runs/x.json", "a/b/.vaultra-lock"]) {
      assert.equal(await mode(path), "600", path);
    }
  });
});

Deno.test("FileStore.put() flushes the object's folder and every new one above it", async () => {
  await withFolder(async (folder) => {
    const root = `${folder}/store`;
    const synced: string[] = [];
    const store = open(root, (path) => {
      synced.push(path);
      return syncFolder(path);
    });
    await store.put("job/runs/x", bytes(10));
    assert.ok(synced.includes(folder), "the root's entry");
    assert.deepEqual(
      new Set(synced.filter((path) => path.startsWith(root))),
      new Set([root, `${root}/job`, `${root}/job/runs`]),
    );
    synced.length = 0;
    await store.put("job/runs/y", bytes(10));
    assert.deepEqual(synced, [`${root}/job/runs`]);
    synced.length = 0;
    await open(root, (path) => {
      synced.push(path);
      return Promise.resolve();
    }).put("job/z", bytes(10));
    assert.ok(
      synced.includes(root),
      "another writer may have created the folder and not have flushed it yet",
    );
  });
});

Deno.test("FileStore.put() takes back an object whose folder cannot be flushed", async () => {
  await withFolder(async (folder) => {
    const store = open(
      folder,
      (path) =>
        path === `${folder}/job`
          ? Promise.reject(new VaultraError("store.failed", "No flush"))
          : syncFolder(path),
    );
    await assert.rejects(store.put("job/x", bytes(10)), { code: "store.failed" });
    assert.deepEqual(await keys(store), []);
  });
});

Deno.test("FileStore reports a root that is a file, and treats one that is missing as empty", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const file = open(`${folder}/file`);
    await assert.rejects(keys(file), { code: "store.conflict" });
    await assert.rejects(file.stat("a"), { code: "store.conflict" });
    await assert.rejects(file.put("a", bytes(1)), { code: "store.conflict" });
    const missing = open(`${folder}/missing`);
    assert.deepEqual(await keys(missing), []);
    assert.equal(await missing.stat("a"), null);
    await assert.rejects(missing.get("a"), { code: "store.not-found" });
    await missing.remove("a");
    assert.deepEqual(await Array.fromAsync(missing.unfinished()), []);
    assert.deepEqual(await names(folder), ["file"]);
  });
});

Deno.test("FileStore holds no object below another one, and none in a folder's place", async () => {
  await withFolder(async (folder) => {
    const store = open(folder);
    await store.put("a", bytes(1));
    await store.put("b/c", bytes(1));
    await assert.rejects(store.put("a/b", bytes(1)), { code: "store.conflict" });
    await assert.rejects(store.put("b", bytes(1)), { code: "store.conflict" });
    assert.equal(await store.stat("b"), null);
    await store.remove("b");
    assert.deepEqual(await keys(store), ["a", "b/c"]);
    assert.deepEqual(await Array.fromAsync(store.unfinished()), []);
  });
});

Deno.test("FileStore follows no symbolic link below its root, but the root may be one", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/real`);
    await Deno.mkdir(`${folder}/outside`);
    await Deno.writeTextFile(`${folder}/outside/secret`, "secret");
    await Deno.symlink(`${folder}/real`, `${folder}/root`);
    const store = open(`${folder}/root`);
    await store.put("job/a", bytes(10));
    await Deno.symlink(`${folder}/outside/secret`, `${folder}/real/job/leak`);
    await Deno.symlink(`${folder}/outside`, `${folder}/real/away`);
    await Deno.symlink("../job", `${folder}/real/job/circle`);
    assert.deepEqual(await keys(store), ["job/a"]);
    for (const key of ["job/leak", "away/secret", "job/circle/a"]) {
      await assert.rejects(store.get(key), { code: "store.denied" }, key);
      await assert.rejects(store.put(key, bytes(1)), { code: "store.denied" }, key);
      await assert.rejects(store.remove(key), { code: "store.denied" }, key);
    }
    await assert.rejects(store.put("away/new", bytes(1)), { code: "store.denied" });
    await assert.rejects(keys(store, "away/"), { code: "store.denied" });
    const upload = { key: "", started: "", size: 0, upload: `away/.x.${"0".repeat(16)}.vaultra-upload` };
    await assert.rejects(store.discard(upload), { code: "store.denied" });
    assert.equal(await Deno.readTextFile(`${folder}/outside/secret`), "secret");
    assert.deepEqual(await names(`${folder}/outside`), ["secret"]);
  });
});

Deno.test("FileStore keeps its own names to itself", async () => {
  await withFolder(async (folder) => {
    const store = open(folder);
    const temporary = `.x.${"0".repeat(16)}.vaultra-upload`;
    for (const key of [".vaultra-lock", temporary, `job/${temporary}`, `${temporary}/x`]) {
      await assert.rejects(store.put(key, bytes(1)), { code: "store.invalid-key" }, key);
      await assert.rejects(store.remove(key), { code: "store.invalid-key" }, key);
    }
    for (const upload of ["", "x", "../x", `../${temporary}`, `/etc/${temporary}`, "job/x"]) {
      const forged = { key: "x", started: "", size: 0, upload };
      await assert.rejects(store.discard(forged), { code: "store.invalid-key" }, upload);
    }
  });
});

Deno.test("FileStore.get() notices an object that is cut off while it is read", async () => {
  await withFolder(async (folder) => {
    const store = open(folder);
    await store.put("a", bytes(3 << 20));
    await assert.rejects(async () => {
      for await (const _ of await store.get("a")) await Deno.truncate(`${folder}/a`, 1 << 20);
    }, { code: "damaged.short-object" });
  });
});

Deno.test("FileStore.get() hands out whole blocks though a reader gave a block's buffer away", async () => {
  await withFolder(async (folder) => {
    const store = open(folder);
    await store.put("a", bytes(3 << 20, 1 << 20));
    let total = 0;
    for await (const block of await store.get("a")) {
      total += structuredClone(block, { transfer: [block.buffer] }).reduce((sum, byte) => sum + byte / 7, 0);
    }
    assert.equal(total, 3 << 20);
  });
});

const trials = fileURLToPath(import.meta.resolve("../../tests/fakes/store_trials.ts"));

/** Runs a trial of tests/fakes/store_trials.ts in a process that a command starts with other rights. */
function runTrial(trial: string, folder: string, command: readonly string[]): void {
  const [program, ...args] = [
    ...command,
    Deno.execPath(),
    ...["run", "-A", "--quiet", trials, trial, folder],
  ];
  run(program!, ...args);
}

if (Deno.build.os === "linux") {
  Deno.test("FileStore.put() tells of a full and of a read-only disk, and leaves nothing (mounted: Linux)", () => {
    using folder = temporaryFolder();
    // The mount is seen by this process alone and goes with it; an ordinary user is root in its own namespace.
    const apart = ["unshare", "--mount", ...isRoot ? [] : ["--map-root-user"]];
    const mounted = ["sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"', folder.path];
    runTrial("full-disk", folder.path, [...apart, ...mounted]);
  });
}

if (Deno.build.os !== "windows") {
  Deno.test("FileStore tells of missing rights (by a folder's mode: not on Windows)", () => {
    using folder = temporaryFolder();
    // Nothing is denied to root unless it gives these two capabilities up.
    const humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    runTrial("denied", folder.path, isRoot ? humble : []);
  });

  Deno.test("FileStore.put() tells of a file too large for a limit, and leaves nothing (ulimit: not on Windows)", async () => {
    const script = fileURLToPath(import.meta.resolve("../../tests/fakes/store_process.ts"));
    const put = async (line: string, root: string, key: string) => {
      const child = new Deno.Command("bash", {
        args: ["-c", `${line} "$0" run -A --quiet "$@"`, Deno.execPath(), script, "put", root, key],
        stdin: "null",
        stdout: "piped",
      });
      return new TextDecoder().decode((await child.output()).stdout).replace("ready\n", "").trim();
    };
    await withFolder(async (folder) => {
      assert.equal(await put("", folder, "fits"), "won");
      assert.equal(await put("trap '' XFSZ; ulimit -f 512;", folder, "large"), "store.disk-full");
      assert.deepEqual(await names(folder), [".vaultra-lock", "fits"]);
    });
  });
}

async function checks(store: FileStore): Promise<Map<string, Check>> {
  return new Map((await Array.fromAsync(store.checks())).map((check) => [check.name, check]));
}

Deno.test("FileStore.checks() finds a sound folder sound, and leaves nothing in it", async () => {
  await withFolder(async (folder) => {
    await Deno.chmod(folder, 0o700);
    const found = await checks(open(folder));
    assert.deepEqual([...found.keys()], [
      "file.folder",
      "file.exclusive",
      "file.writable",
      "file.privacy",
      "file.space",
      "file.unfinished",
    ]);
    for (const { name, status } of found.values()) {
      // How full this machine's disk is, is not for the test to say.
      if (name !== "file.space") assert.equal(status, "ok", name);
    }
    assert.deepEqual(await names(folder), [".vaultra-lock"]);
  });
});

Deno.test("FileStore.checks() tells what is wrong, each with its fix", async () => {
  await withFolder(async (folder) => {
    assert.equal((await checks(open(`${folder}/missing`))).get("file.folder")?.status, "warning");
    await Deno.writeTextFile(`${folder}/file`, "");
    assert.equal((await checks(open(`${folder}/file`))).get("file.folder")?.status, "failed");
    await Deno.chmod(folder, 0o755);
    const stale = `${folder}/.x.${"0".repeat(16)}.vaultra-upload`;
    await Deno.writeTextFile(stale, "half");
    const past = new Date(Date.now() - 90_000_000);
    await Deno.utime(stale, past, past);
    const noFlush = open(folder, () => Promise.reject(new VaultraError("store.failed", "No flush")));
    const found = await checks(noFlush);
    assert.equal(found.get("file.privacy")?.status, "warning");
    assert.match(found.get("file.privacy")!.fix!, /chmod 700/);
    assert.equal(found.get("file.unfinished")?.status, "warning");
    assert.equal(found.get("file.writable")?.status, "failed");
    assert.equal(found.get("file.writable")?.found, "No flush");
  });
});
