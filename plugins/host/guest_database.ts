/**
 * A database's half of the Worker: answers the host's calls with the plugin's adapter.
 *
 * @module
 */
import type {
  BackupRequest,
  BackupSource,
  DatabaseAdapter,
  PartReader,
  RestoreEntry,
  RestoreRequest,
  RestoreTarget,
} from "../../core/database.ts";
import { freeBlock } from "../../core/streams/blocks.ts";
import type { Bytes } from "../../core/streams/bytes.ts";
import { LONG_DEADLINE } from "./deadlines.ts";
import type { GuestService } from "./guest_store.ts";
import type { Handles } from "./handles.ts";
import type { Rpc } from "./rpc.ts";
import { ChannelSink } from "./channel_sink.ts";
import { SOURCE_WINDOW } from "./source_window.ts";

/** How long a source that is disposed may take to stop reading, milliseconds. */
const STOP_GRACE = 2_000;

/** How a database's calls are answered. */
export function databaseHandlers(adapter: DatabaseAdapter, rpc: Rpc, handles: Handles): GuestService {
  const source = (handle: unknown) => handles.get<RunningSource>(handle);
  const target = (handle: unknown) => handles.get<RestoreTarget>(handle);
  return {
    opened: { ...adapter.capabilities },
    answers: {
      inspect: () => adapter.inspect(),
      checks: () => handles.iterate(adapter.checks()),
      backup: async ([request]) => {
        const opened = new RunningSource(await adapter.backup(request as BackupRequest), rpc);
        return { handle: handles.add(opened), start: opened.source.start };
      },
      "source.write": ([handle, channel]) => source(handle).write(channel as number),
      "source.finish": ([handle]) => source(handle).source.finish(),
      restore: async ([request]) => ({
        handle: handles.add(await adapter.restore(request as RestoreRequest)),
      }),
      "target.plan": ([handle]) => target(handle).plan(),
      "target.write": async ([handle, entry]) => {
        await target(handle).write(entry as RestoreEntry);
        (entry as RestoreEntry).bytes.forEach(freeBlock);
      },
      "target.pull": ([handle], signal) => target(handle).pull(partReader(rpc, signal)),
      "target.script": async ([handle, channel]) => {
        const sender = rpc.sender(channel as number);
        try {
          await sender.sendAll(target(handle).script());
        } finally {
          rpc.forget(channel as number);
        }
      },
      "target.commit": ([handle]) => target(handle).commit(),
    },
  };
}

/** A source and its read, which ends before the source is disposed. */
class RunningSource implements AsyncDisposable {
  readonly source: BackupSource;
  readonly #rpc: Rpc;
  #running: Promise<void> | undefined;

  constructor(source: BackupSource, rpc: Rpc) {
    this.source = source;
    this.#rpc = rpc;
  }

  async write(channel: number): Promise<void> {
    const sender = this.#rpc.sender(channel, { window: SOURCE_WINDOW });
    try {
      this.#running = this.source.write(new ChannelSink(sender));
      await this.#running;
      sender.end();
    } catch (thrown) {
      sender.fail(thrown);
      throw thrown;
    } finally {
      this.#rpc.forget(channel);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, STOP_GRACE);
    // Its own failure was told where it was started.
    await Promise.race([this.#running?.catch(() => {}), grace.promise]);
    clearTimeout(timer);
    await this.source[Symbol.asyncDispose]();
  }
}

/** Reads parts through the host. */
function partReader(rpc: Rpc, signal: AbortSignal): PartReader {
  const options = { deadline: LONG_DEADLINE, signal };
  return {
    read: async (section, object, part) =>
      await rpc.call("reader.read", [section, object, part], options) as Bytes,
    layout: async (section, object) =>
      await rpc.call("reader.layout", [section, object], options) as readonly number[],
  };
}
