import type {
  BackupRequest,
  EntryInfo,
  EntrySink,
  HostedDatabase,
  HostedSource,
  SourceEvent,
} from "../../core/database.ts";
import { partLimit } from "../../core/archive/format.ts";
import type { OpenOptions, PluginContext, PluginHost, RegisteredPlugin } from "../../core/plugin.ts";
import type { ObjectStore } from "../../core/store.ts";
import { type Bytes, CHUNK_BYTES } from "../../core/streams/bytes.ts";

/**
 * A host without Workers: opens plugins in the test's own thread, so that a debugger, a coverage tool and a fake
 * plugin can follow. Everything else about it is as the real one promises.
 */
export class InProcessHost implements PluginHost {
  async openStore(registered: RegisteredPlugin, config: unknown, options: OpenOptions): Promise<ObjectStore> {
    return await registered.plugin.open(config, contextOf(options)) as ObjectStore;
  }

  async openDatabase(
    registered: RegisteredPlugin,
    config: unknown,
    options: OpenOptions,
  ): Promise<HostedDatabase> {
    const service = await registered.plugin.open(config, contextOf(options));
    if (!("backup" in service)) throw new TypeError(`Plugin "${registered.plugin.name}" opens no database`);
    return {
      capabilities: service.capabilities,
      inspect: () => service.inspect(),
      restore: (request) => service.restore(request),
      checks: () => service.checks(),
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
      async backup(request: BackupRequest): Promise<HostedSource> {
        const source = await service.backup(request);
        return {
          start: source.start,
          events: () => eventsOf((sink) => source.write(sink)),
          finish: () => source.finish(),
          [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
        };
      },
    };
  }
}

function contextOf({ purpose, signal, log }: OpenOptions): PluginContext {
  return {
    purpose,
    signal,
    log,
    env: {},
    syncFolder: () => Promise.resolve(),
    temporary: () => ({ [Symbol.dispose]() {} }),
    blocking: (_milliseconds, call) => Promise.resolve(call()),
  };
}

/** What a source writes, as events; at most 40 chunks are under way. */
async function* eventsOf(write: (sink: EntrySink) => Promise<void>): AsyncGenerator<SourceEvent> {
  const events: SourceEvent[] = [];
  let [wake, free] = [() => {}, () => {}];
  let [lent, streams] = [0, 0];
  const push = (event: SourceEvent) => {
    events.push(event);
    wake();
  };
  const lengths = new Map<number, number>();
  const sink: EntrySink = {
    partBytes: (object) => partLimit(lengths.get(object) ?? 0),
    begin(entry: EntryInfo) {
      const stream = streams++;
      push({ type: "begin", stream, entry });
      const commit = (buffer: Bytes, length: number) => {
        if (entry.object !== undefined) lengths.set(entry.object, (lengths.get(entry.object) ?? 0) + length);
        const release = () => {
          lent--;
          free();
        };
        push({ type: "data", stream, chunk: { bytes: buffer.subarray(0, length), release } });
      };
      const buffer = async () => {
        while (lent >= 40 && !left) await new Promise<void>((resolve) => free = resolve);
        lent++;
        return new Uint8Array(CHUNK_BYTES);
      };
      return {
        buffer,
        commit,
        async write(bytes) {
          for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
            const piece = bytes.subarray(at, at + CHUNK_BYTES);
            const target = await buffer();
            target.set(piece);
            commit(target, piece.length);
          }
        },
        end: (summary = {}) => push({ type: "end", stream, summary }),
      };
    },
  };
  let [done, left] = [false, false];
  const writing = write(sink).finally(() => {
    done = true;
    wake();
  });
  writing.catch(() => {});
  try {
    while (!done || events.length > 0) {
      const event = events.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => wake = resolve);
    }
    await writing;
  } finally {
    left = true;
    free();
    await writing.catch(() => {});
  }
}
