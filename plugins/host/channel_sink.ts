import type { EntryEnd, EntryInfo, EntrySink, EntryWriter } from "../../core/database.ts";
import { partLimit } from "../../core/archive/format.ts";
import { VaultraError } from "../../core/errors.ts";
import { BLAME_PLUGIN } from "../../core/hints.ts";
import { type Bytes, CHUNK_BYTES } from "../../core/streams/bytes.ts";
import type { ChannelSender } from "./channel.ts";

/** Where a source in its Worker writes: entries become events on a channel, with their bytes between. */
export class ChannelSink implements EntrySink {
  readonly #sender: ChannelSender;
  /** Bytes of each object's ended entries, which decide how long its next part may be. */
  readonly #bytes = new Map<number, number>();
  #streams = 0;

  constructor(sender: ChannelSender) {
    this.#sender = sender;
  }

  partBytes(object: number): number {
    return partLimit(this.#bytes.get(object) ?? 0);
  }

  begin(entry: EntryInfo): EntryWriter {
    const stream = ++this.#streams;
    this.#sender.event({ type: "begin", stream, entry });
    return new ChannelEntry(this.#sender, stream, (summary, bytes) => {
      this.#sender.event({ type: "end", stream, summary });
      if (entry.object !== undefined) {
        this.#bytes.set(entry.object, (this.#bytes.get(entry.object) ?? 0) + bytes);
      }
    });
  }
}

/** Writes one entry. */
class ChannelEntry implements EntryWriter {
  readonly #sender: ChannelSender;
  readonly #stream: number;
  readonly #onEnd: (summary: EntryEnd, bytes: number) => void;
  /** Handed out by `buffer` and not yet committed. */
  readonly #lent = new Set<Bytes>();
  /** What `write` fills, and how far it got. */
  #filling: Bytes | undefined;
  #filled = 0;
  #writing = false;
  #bytes = 0;
  #ended = false;

  constructor(sender: ChannelSender, stream: number, onEnd: (summary: EntryEnd, bytes: number) => void) {
    this.#sender = sender;
    this.#stream = stream;
    this.#onEnd = onEnd;
  }

  async buffer(): Promise<Bytes> {
    const buffer = await this.#sender.buffer();
    this.#lent.add(buffer);
    return buffer;
  }

  commit(buffer: Bytes, length: number): void {
    this.#demand(!this.#ended, "went on with an entry after its end");
    this.#demand(this.#lent.delete(buffer), "committed a buffer that was not lent for this entry");
    this.#demand(
      Number.isInteger(length) && length >= 0 && length <= CHUNK_BYTES,
      "committed more than a buffer holds",
    );
    this.#flush();
    this.#send(buffer, length);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#demand(!this.#ended, "went on with an entry after its end");
    this.#demand(!this.#writing, "began to write before it had awaited the last write");
    this.#writing = true;
    try {
      for (let at = 0; at < bytes.length;) {
        const buffer = this.#filling ??= await this.#sender.buffer();
        const piece = bytes.subarray(at, at + CHUNK_BYTES - this.#filled);
        buffer.set(piece, this.#filled);
        this.#filled += piece.length;
        at += piece.length;
        if (this.#filled === CHUNK_BYTES) this.#flush();
      }
    } finally {
      this.#writing = false;
    }
  }

  end(summary: EntryEnd = {}): void {
    this.#demand(!this.#ended, "ended an entry twice");
    this.#demand(!this.#writing, "ended an entry before it had awaited the last write");
    this.#ended = true;
    this.#flush();
    for (const buffer of this.#lent) this.#sender.giveBack(buffer);
    this.#lent.clear();
    this.#onEnd(summary, this.#bytes);
  }

  #flush(): void {
    const buffer = this.#filling;
    if (buffer === undefined) return;
    this.#send(buffer, this.#filled);
    this.#filling = undefined;
    this.#filled = 0;
  }

  #send(buffer: Bytes, length: number): void {
    this.#bytes += length;
    if (length === 0) this.#sender.giveBack(buffer);
    else this.#sender.send(buffer, length, this.#stream);
  }

  #demand(condition: boolean, fault: string): void {
    if (!condition) throw new VaultraError("plugin.order", `The plugin ${fault}`, { hint: BLAME_PLUGIN });
  }
}
