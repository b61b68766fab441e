import assert from "node:assert/strict";
import { join } from "node:path";
import type { HostedDatabase } from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import type { HostDeadlines } from "./deadlines.ts";
import { WorkerHost } from "./host.ts";
import hostile, { type HostileConfig } from "./testdata/hostile_plugin.ts";

/** A logger that keeps what it is told. */
function keeper(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const take = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { log: { debug: take("debug"), info: take("info"), warn: take("warn") }, lines };
}

function open(
  config: HostileConfig,
  { deadlines = {}, signal = new AbortController().signal, log = keeper().log }: {
    readonly deadlines?: Partial<HostDeadlines>;
    readonly signal?: AbortSignal;
    readonly log?: Logger;
  } = {},
): Promise<HostedDatabase> {
  const registered = { plugin: hostile, module: import.meta.resolve("./testdata/hostile_plugin.ts") };
  return new WorkerHost({ deadlines }).openDatabase(registered, config, { purpose: "inspect", signal, log });
}

/** What `inspect` fails with. */
async function failure(
  act: string,
  options: Parameters<typeof open>[1] = {},
  config: Partial<HostileConfig> = {},
): Promise<VaultraError> {
  await using database = await open({ act, ...config }, options);
  return await failed(database.inspect());
}

async function failed(promise: Promise<unknown>): Promise<VaultraError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof VaultraError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "Nothing failed" });
}

Deno.test("WorkerHost keeps code, hint, details and transience of a plugin's error", async () => {
  const error = await failure("own error");
  assert.equal(error.code, "database.busy");
  assert.equal(error.message, "The server is busy");
  assert.equal(error.hint, "Try again.");
  assert.equal(error.transient, true);
  assert.deepEqual(error.details, { attempt: 3 });
});

Deno.test("WorkerHost tells a foreign error on one line", async () => {
  const error = await failure("foreign error");
  assert.equal(error.code, "plugin.error");
  assert.equal(error.message, "first line second line");
});

Deno.test("WorkerHost lets no plugin raise an error that means success", async () => {
  assert.equal((await failure("forged family")).code, "plugin.unknown-error");
});

Deno.test("WorkerHost tells what a plugin threw that is no error", async () => {
  assert.equal((await failure("throw nothing")).code, "plugin.error");
});

Deno.test("WorkerHost passes on why a service could not be opened", async () => {
  const error = await failed(open({ act: "throw in open" }));
  assert.deepEqual([error.code, error.hint], ["database.refused", "Ask it."]);
});

Deno.test("WorkerHost ends a plugin that does not open in time", async () => {
  assert.equal(
    (await failed(open({ act: "hang in open" }, { deadlines: { open: 1_000 } }))).code,
    "plugin.timeout",
  );
});

Deno.test("WorkerHost names a module that is not the plugin", async () => {
  const registered = { plugin: hostile, module: import.meta.resolve("./testdata/hostile_acts.ts") };
  const options = { purpose: "inspect", signal: new AbortController().signal, log: keeper().log } as const;
  const error = await failed(new WorkerHost().openDatabase(registered, { act: "" }, options));
  assert.equal(error.code, "plugin.not-a-plugin");
  const missing = { plugin: hostile, module: "data:text/javascript,import 'node:nonsense'" };
  assert.equal(
    (await failed(new WorkerHost().openDatabase(missing, { act: "" }, options))).code,
    "plugin.not-loaded",
  );
});

const fatal: Readonly<Record<string, string>> = {
  "late throw": "plugin.crashed",
  "unhandled rejection": "plugin.crashed",
  "Deno.exit": "plugin.exited",
  "process.exit": "plugin.exited",
  "imported exit": "plugin.exited",
  "process.abort": "plugin.exited",
  "self.close": "plugin.exited",
  "wrong shape": "plugin.malformed",
  "wrong type": "plugin.malformed",
  "no message": "plugin.malformed",
  "unknown message": "plugin.malformed",
  "unknown note": "plugin.malformed",
  "unasked answer": "plugin.malformed",
  "unasked data": "plugin.malformed",
  "channel without message": "plugin.malformed",
  "unknown method": "plugin.malformed",
  "malformed call": "plugin.malformed",
  "flood of calls": "plugin.flood",
  "flood of lines": "plugin.flood",
  "temporary file elsewhere": "plugin.denied",
};

for (const [act, code] of Object.entries(fatal)) {
  Deno.test(`WorkerHost ends a plugin for: ${act}`, async () => {
    const path = act.startsWith("flood") ? import.meta.dirname! : "/elsewhere";
    await using database = await open({ act, path, granted: { write: [import.meta.dirname!] } });
    const error = await failed(database.inspect());
    assert.equal(error.code, code, error.message);
    assert.match(error.message, /database plugin "hostile"/);
    assert.equal((await failed(database.inspect())).code, code, "the first error stays");
    // What the host was doing for the plugin comes to its end.
    if (act === "flood of calls") await new Promise((resolve) => setTimeout(resolve, 500));
  });
}

Deno.test("WorkerHost survives an answer that cannot be sent", async () => {
  assert.equal((await failure("not sendable")).code, "plugin.error");
});

Deno.test("WorkerHost ends a plugin that hangs, and one that never answers", async () => {
  assert.equal((await failure("hang", { deadlines: { silence: 1_200 } })).code, "plugin.hung");
  assert.equal(
    (await failure("never answer", { deadlines: { silence: 1_200, answer: 600 } })).code,
    "plugin.timeout",
  );
});

Deno.test("PluginContext.blocking() announces a longer silence", async () => {
  await using database = await open({ act: "announced silence" }, { deadlines: { silence: 1_200 } });
  assert.equal((await database.inspect()).bytes, 7);
});

Deno.test("WorkerHost turns what a plugin prints into log lines", async () => {
  const { log, lines } = keeper();
  await using database = await open({ act: "print" }, { log });
  await database.inspect();
  assert.deepEqual(lines, [
    "debug to the console { a: 1 }",
    "warn with colour and lines",
    "debug to stdout",
    "debug to node's stdout",
  ]);
});

Deno.test("WorkerHost drops log lines beyond 1,000 a second and says so", async () => {
  const { log, lines } = keeper();
  {
    await using database = await open({ act: "many lines" }, { log });
    await database.inspect();
  }
  const kept = lines.filter((line) => line.startsWith("info line"));
  assert(kept.length >= 1_000 && kept.length <= 4_000, `${kept.length} lines`);
  assert(lines.some((line) => /log lines of the plugin were dropped/.test(line)));
});

Deno.test("WorkerHost cuts huge log lines", async () => {
  const { log, lines } = keeper();
  await using database = await open({ act: "huge line" }, { log });
  await database.inspect();
  assert(lines[0]!.length < 5_000);
});

Deno.test("WorkerHost iterates in batches, and lets a reader leave early", async () => {
  await using database = await open({ act: "" });
  const names = [];
  for await (const { name } of database.checks()) names.push(name);
  assert.equal(names.length, 1_000);
  assert.equal(names[999], "check.999");
  for await (const { name } of database.checks()) {
    assert.equal(name, "check.0");
    break;
  }
  assert.equal((await database.inspect()).engine, "hostile");
});

Deno.test("WorkerHost cancels a call by its signal, with the signal's reason", async () => {
  for (const act of ["wait for the signal", "ignore the signal", "hang"]) {
    const controller = new AbortController();
    await using database = await open({ act }, { signal: controller.signal });
    const inspected = failed(database.inspect());
    controller.abort(new VaultraError("interrupted", "Interrupted"));
    assert.equal((await inspected).code, "interrupted");
  }
});

Deno.test("WorkerHost opens nothing after an abort", async () => {
  const signal = AbortSignal.abort(new VaultraError("terminated", "Terminated"));
  assert.equal((await failed(open({ act: "" }, { signal }))).code, "terminated");
});

Deno.test("WorkerHost ends a service that does not close", async () => {
  const { log, lines } = keeper();
  const database = await open({ act: "never close" }, { log, deadlines: { close: 300 } });
  await database[Symbol.asyncDispose]();
  assert.match(lines.join(), /did not clean up in time/);
  assert.equal((await failed(database.inspect())).code, "plugin.closed");
});

Deno.test("PluginContext.syncFolder() flushes folders around what may be written, and no others", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const granted = { write: [join(folder, "a", "file")] };
    for (const path of [join(folder, "a"), folder]) {
      await Deno.mkdir(path, { recursive: true });
      await using database = await open({ act: "sync folder", granted, path });
      await database.inspect();
    }
    for (const path of [join(folder, "b"), `${folder}/a/../b`, "relative"]) {
      const error = await failure("sync folder", {}, { granted, path });
      assert.equal(error.code, "plugin.denied");
    }
    const missing = await failure("sync folder", {}, { granted, path: join(folder, "a", "file", "none") });
    assert.equal(missing.code, "failed.sync");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("PluginContext.temporary() files are removed when the Worker ends, unless let go", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = { granted: { write: [folder] }, path: join(folder, "temporary") };
    {
      await using database = await open({ act: "temporary file", ...config });
      await database.inspect();
      assert.deepEqual(namesIn(folder), ["temporary", "temporary.settled"]);
    }
    assert.deepEqual(namesIn(folder), ["temporary.settled"]);
    const error = await failure("hang with a temporary file", { deadlines: { silence: 900 } }, config);
    assert.equal(error.code, "plugin.hung");
    assert.deepEqual(namesIn(folder), ["temporary.settled"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
