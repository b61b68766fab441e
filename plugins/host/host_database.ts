/**
 * The twins of a database, its backup source and its restore target, whose plugin runs in a Worker.
 *
 * @module
 */
import type {
  BackupRequest,
  DatabaseCapabilities,
  DatabaseInfo,
  EntryInfo,
  HostedDatabase,
  HostedSource,
  PartReader,
  RestoreEntry,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
  SourceEvent,
  SourceStart,
  SourceSummary,
} from "../../core/database.ts";
import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { Bytes, ByteStream } from "../../core/streams/bytes.ts";
import { type ChannelItem, type ChannelReceiver, malformed, streamLimits } from "./channel.ts";
import { LONG_DEADLINE } from "./deadlines.ts";
import { givenBytes } from "./given_bytes.ts";
import type { GuestWorker } from "./guest_worker.ts";
import { Given } from "./rpc.ts";
import {
  checkShape,
  databaseInfo,
  done,
  fit,
  layoutArguments,
  openedSource,
  openedTarget,
  readArguments,
  restorePlan,
  restoreReport,
  sourceEvent,
  sourceSummary,
} from "./shapes.ts";
import { MAX_OPEN_ENTRIES, MAX_SOURCE_EVENTS, SOURCE_WINDOW } from "./source_window.ts";

/** Hands every call to the Worker and checks what comes back. */
export class DatabaseTwin implements HostedDatabase {
  readonly capabilities: DatabaseCapabilities;
  readonly #guest: GuestWorker;

  constructor(guest: GuestWorker, capabilities: DatabaseCapabilities) {
    this.#guest = guest;
    this.capabilities = capabilities;
  }

  /** @inheritdoc */
  inspect(): Promise<DatabaseInfo> {
    return this.#guest.call("inspect", [], databaseInfo);
  }

  /** @inheritdoc */
  async backup(request: BackupRequest): Promise<HostedSource> {
    const { handle, start } = await this.#guest.call("backup", [request], openedSource, {
      deadline: LONG_DEADLINE,
    });
    return new SourceTwin(this.#guest, handle, start);
  }

  /** @inheritdoc */
  async restore(request: RestoreRequest): Promise<RestoreTarget> {
    const { handle } = await this.#guest.call("restore", [request], openedTarget, {
      deadline: LONG_DEADLINE,
    });
    return new TargetTwin(this.#guest, handle);
  }

  /** @inheritdoc */
  checks(): AsyncIterable<Check> {
    return this.#guest.iterate("checks", [], checkShape);
  }

  /** Closes the service and ends its Worker. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#guest[Symbol.asyncDispose]();
  }
}

/** Yields what a source writes in its Worker. */
class SourceTwin implements HostedSource {
  readonly start: SourceStart;
  readonly #guest: GuestWorker;
  readonly #handle: number;

  constructor(guest: GuestWorker, handle: number, start: SourceStart) {
    this.#guest = guest;
    this.#handle = handle;
    this.start = start;
  }

  /** @inheritdoc */
  async *events(): AsyncGenerator<SourceEvent, void, void> {
    const { rpc } = this.#guest;
    const channel = rpc.newChannel();
    const receiver = rpc.receiver(channel, {
      pieces: SOURCE_WINDOW + MAX_OPEN_ENTRIES,
      items: MAX_SOURCE_EVENTS,
    });
    const written = this.#guest.call("source.write", [this.#handle, channel], done, {
      deadline: LONG_DEADLINE,
    });
    // The channel brings the same error; whoever left early does not want it.
    written.catch(() => {});
    using _stopping = this.#guest.stopping(receiver);
    const open = new Map<number, EntryInfo>();
    try {
      for (let item; (item = await receiver.next()) !== undefined;) {
        yield this.#event(item, open);
      }
      await written;
      if (open.size > 0) throw this.#guest.fail(malformed("an entry without its end"));
    } finally {
      receiver.stop(new VaultraError("interrupted", "The rest of the backup was not wanted"));
    }
  }

  #event(item: ChannelItem, open: Map<number, EntryInfo>): SourceEvent {
    if (item.kind === "data") {
      if (!open.has(item.tag)) throw this.#guest.fail(malformed("data of an entry that is not open"));
      return { type: "data", stream: item.tag, chunk: item.chunk };
    }
    const event = this.#guest.checked(sourceEvent, item.value, "source.write");
    const fresh = event.type === "begin";
    if (fresh === open.has(event.stream)) {
      throw this.#guest.fail(
        malformed(`the ${event.type} of an entry that is ${fresh ? "open" : "not open"}`),
      );
    }
    if (fresh) open.set(event.stream, event.entry);
    else open.delete(event.stream);
    return event;
  }

  /** @inheritdoc */
  finish(): Promise<SourceSummary> {
    return this.#guest.call("source.finish", [this.#handle], sourceSummary, { deadline: LONG_DEADLINE });
  }

  /** @inheritdoc */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#guest.dispose(this.#handle);
  }
}

/** Takes a restore's entries to the target in its Worker. */
class TargetTwin implements RestoreTarget {
  readonly #guest: GuestWorker;
  readonly #handle: number;

  constructor(guest: GuestWorker, handle: number) {
    this.#guest = guest;
    this.#handle = handle;
  }

  /** @inheritdoc */
  plan(): Promise<RestorePlan> {
    return this.#guest.call("target.plan", [this.#handle], restorePlan, { deadline: LONG_DEADLINE });
  }

  /** Takes the next entry. Its blocks are given away: their buffers move to the Worker. */
  write(entry: RestoreEntry): Promise<void> {
    const blocks = entry.bytes.map(givenBytes);
    return this.#guest.call("target.write", [this.#handle, { ...entry, bytes: blocks }], done, {
      deadline: LONG_DEADLINE,
      transfer: blocks.map((block) => block.buffer),
    });
  }

  /** @inheritdoc */
  async pull(reader: PartReader): Promise<void> {
    const { handlers } = this.#guest;
    handlers["reader.layout"] = (args) => {
      const [section, object] = fit(layoutArguments, args, "reader.layout");
      return reader.layout(section, object);
    };
    handlers["reader.read"] = async (args) => {
      const [section, object, part] = fit(readArguments, args, "reader.read");
      const bytes = givenBytes(await reader.read(section, object, part));
      return new Given(bytes, [bytes.buffer]);
    };
    try {
      await this.#guest.call("target.pull", [this.#handle], done, { deadline: LONG_DEADLINE });
    } finally {
      delete handlers["reader.layout"];
      delete handlers["reader.read"];
    }
  }

  /** @inheritdoc */
  script(): ByteStream {
    return this.#script();
  }

  async *#script(): AsyncGenerator<Bytes, void, void> {
    const { rpc } = this.#guest;
    const channel = rpc.newChannel();
    const receiver: ChannelReceiver = rpc.receiver(channel, streamLimits);
    const written = this.#guest.call("target.script", [this.#handle, channel], done, {
      deadline: LONG_DEADLINE,
    });
    // The channel brings the same error; whoever left early does not want it.
    written.catch(() => {});
    using _stopping = this.#guest.stopping(receiver);
    yield* receiver.bytes();
    await written;
  }

  /** @inheritdoc */
  commit(): Promise<RestoreReport> {
    return this.#guest.call("target.commit", [this.#handle], restoreReport, { deadline: LONG_DEADLINE });
  }

  /** @inheritdoc */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#guest.dispose(this.#handle);
  }
}
