import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { acquireLock } from "../../core/lock.ts";
import { syncFolder } from "../../tests/fakes/sync_folder.ts";
import { FileStore } from "./store.ts";

const script = fileURLToPath(import.meta.resolve("../../tests/fakes/store_process.ts"));
const signal = new AbortController().signal;

/** A process that runs the script above. */
class StoreProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(task: "put" | "hang" | "lock", root: string, name: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", script, task, root, name],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      assert.ok(!done, "the process ended without an answer");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  async begin(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array([10]));
    await writer.close();
  }

  /** Ends it as kill -9 does. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It had ended by itself.
    }
    await this.#child.status;
    await this.#lines.cancel();
  }
}

async function withRoot(run: (root: string, store: FileStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const root = `${folder}/store`;
    await run(root, new FileStore(root, { signal, syncFolder }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function keys(store: FileStore): Promise<string[]> {
  return (await Array.fromAsync(store.list(""))).map(({ key }) => key);
}

for (const task of ["put", "lock"] as const) {
  Deno.test(`FileStore lets exactly one of 10 processes win a ${task}`, async () => {
    await withRoot(async (root, store) => {
      await using racers = new AsyncDisposableStack();
      const processes = Array.from({ length: 10 }, () => racers.use(new StoreProcess(task, root, "race")));
      for (const process of processes) assert.equal(await process.line(), "ready");
      await Promise.all(processes.map((process) => process.begin()));
      const answers = await Promise.all(processes.map((process) => process.line()));
      const lost = task === "put" ? "store.exists" : "locked.job";
      assert.deepEqual(answers.toSorted(), [...Array(9).fill(lost), "won"].sort());
      if (task === "put") {
        let content = "";
        for await (const block of await store.get("race", { offset: 1 << 20 })) {
          content += new TextDecoder().decode(block);
        }
        assert.equal(content, String(processes[answers.indexOf("won")]!.pid));
      }
      assert.deepEqual(await keys(store), [task === "put" ? "race" : ".locks/race"]);
      assert.deepEqual(await Array.fromAsync(store.unfinished()), []);
    });
  });
}

Deno.test("FileStore lists nothing of a put whose process was killed, and tells it from one that lives", async () => {
  await withRoot(async (root, store) => {
    const temporary = async () =>
      (await Array.fromAsync(Deno.readDir(`${root}/job`))).map(({ name }) => name);
    {
      await using process = new StoreProcess("hang", root, "job/killed.tar");
      await process.begin();
      assert.equal(await process.line(), "ready");
      assert.equal(await process.line(), "begun");
      assert.equal((await temporary()).length, 1);
      assert.deepEqual(await Array.fromAsync(store.unfinished()), []);
      const [name] = await temporary();
      const upload = { key: "job/killed.tar", started: "", size: 0, upload: `job/${name}` };
      await store.discard(upload);
      assert.equal((await temporary()).length, 1, "an upload that lives must not be discarded");
    }
    assert.deepEqual(await keys(store), []);
    assert.equal(await store.stat("job/killed.tar"), null);
    const [upload, ...others] = await Array.fromAsync(store.unfinished());
    assert.ok(upload);
    assert.deepEqual(others, []);
    assert.equal(upload.key, "job/killed.tar");
    assert.equal(upload.size, 1 << 20);
    await store.put("job/killed.tar", (async function* () {})(), { ifAbsent: true });
    await store.discard(upload);
    await store.discard(upload);
    assert.deepEqual(await temporary(), ["killed.tar"]);
  });
});

Deno.test("acquireLock() takes the lock of a killed process over once it expired, not before", async () => {
  await withRoot(async (root, store) => {
    const options = {
      owner: { host: "test", pid: Deno.pid, command: "restore" },
      now: () => new Date(),
      randomHex: (length: number) => crypto.getRandomValues(new Uint8Array(length)).toHex(),
      signal,
    };
    {
      await using process = new StoreProcess("lock", root, "orders");
      await process.begin();
      assert.equal(await process.line(), "ready");
      assert.equal(await process.line(), "won");
    }
    await assert.rejects(acquireLock(store, "orders", options), { code: "locked.job" });
    // As if its last sign of life were two minutes old.
    const past = new Date(Date.now() - 120_000);
    await Deno.utime(`${root}/.locks/orders`, past, past);
    {
      await using lock = await acquireLock(store, "orders", options);
      assert.equal(lock.signal.aborted, false);
    }
    assert.deepEqual(await keys(store), []);
  });
});
