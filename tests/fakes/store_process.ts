/**
 * A process that works on a file store, for tests that race processes or kill them. It begins when a line
 * comes on stdin and answers with one line a step on stdout.
 *
 * Arguments: `put ROOT KEY` puts with ifAbsent; `hang ROOT KEY` stops in the middle of a put;
 * `lock ROOT JOB` takes a lock and keeps it.
 *
 * @module
 */
import { toVaultraError } from "../../core/errors.ts";
import { acquireLock } from "../../core/lock.ts";
import { FileStore } from "../../stores/file/store.ts";
import { syncFolder } from "./sync_folder.ts";

const [task, root, name] = Deno.args as [string, string, string];
const signal = new AbortController().signal;
const store = new FileStore(root, { signal, syncFolder });
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const forever = () => new Promise<never>(() => setInterval(() => {}, 2 ** 30));

async function* body(hang: boolean) {
  yield await Promise.resolve(new Uint8Array(1 << 20));
  if (hang) {
    say("begun");
    await forever();
  }
  yield new TextEncoder().encode(String(Deno.pid));
}

say("ready");
await Deno.stdin.read(new Uint8Array(1));
try {
  if (task === "lock") {
    await acquireLock(store, name, {
      owner: { host: "test", pid: Deno.pid, command: "backup" },
      now: () => new Date(),
      randomHex: (length) => crypto.getRandomValues(new Uint8Array(length)).toHex(),
      signal,
    });
  } else await store.put(name, body(task === "hang"), { ifAbsent: true });
  say("won");
} catch (error) {
  say(toVaultraError(error).code);
  Deno.exit(0);
}
if (task === "lock") await forever();
