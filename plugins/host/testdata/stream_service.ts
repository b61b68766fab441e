import { createHash } from "node:crypto";
import type {
  BackupSource,
  EntrySink,
  EntryWriter,
  PartReader,
  RestoreEntry,
  RestoreTarget,
  SourceObject,
  SourceStart,
} from "../../../core/database.ts";
import { VaultraError } from "../../../core/errors.ts";
import type { PluginContext } from "../../../core/plugin.ts";
import { type Bytes, type ByteStream, CHUNK_BYTES } from "../../../core/streams/bytes.ts";
import type { StreamConfig } from "./stream_plugin.ts";

/** Fills a block so that no two blocks are alike. */
export function fillBlock(block: Uint8Array, number: number): void {
  block.fill(number & 0xff);
  new DataView(block.buffer, block.byteOffset).setUint32(0, number);
}

/** Writes what its configuration names, and proves it by a SHA-256. */
export class StreamSource implements BackupSource {
  readonly start: SourceStart;
  readonly #config: StreamConfig;
  readonly #context: PluginContext;
  readonly #hash = createHash("sha256");
  /** Buffers seen: few when they are recycled. */
  #buffers = 0;
  readonly #seen = new WeakSet<ArrayBufferLike>();

  constructor(config: StreamConfig, context: PluginContext) {
    this.#config = config;
    this.#context = context;
    this.start = {
      position: "0",
      engine: "stream",
      version: "1",
      bytes: config.bytes ?? 0,
      properties: {},
      instructions: "",
      warnings: [],
    };
  }

  async write(sink: EntrySink): Promise<void> {
    switch (this.#config.act) {
      case "large":
      case "endless":
        return await this.#large(sink);
      case "small entries":
        for (let number = 1; number <= 10_000; number++) {
          const entry = sink.begin({ section: "data", name: `table ${number}`, object: number });
          const bytes = new TextEncoder().encode(`row of table ${number}\n`);
          this.#hash.update(bytes);
          await entry.write(bytes);
          entry.end({ rows: 1 });
        }
        return;
      case "interleaved":
        await Promise.all([1, 2, 3].map((object) => this.#object(sink, object)));
        return;
      case "side by side":
        await Promise.all([1, 2, 3, 4, 5, 6].map(async (object) => {
          const entry = sink.begin({ section: "data", name: `object ${object}`, object });
          const block = new Uint8Array(100_000).fill(object);
          for (let left = this.#config.bytes!; left > 0; left -= block.length) {
            await entry.write(block.subarray(0, Math.min(left, block.length)));
          }
          entry.end();
        }));
        return;
      case "too many begins":
        for (let number = 1; number <= 300_000; number++) {
          sink.begin({ section: "data", name: "x", object: 1 }).end();
        }
        return;
      case "breaks": {
        const entry = sink.begin({ section: "data", name: "x", object: 1 });
        await entry.write(new Uint8Array(100_000));
        throw new VaultraError("database.gone", "The server went away", { hint: "Start it." });
      }
      case "two writes": {
        const entry = sink.begin({ section: "data", name: "x", object: 1 });
        await Promise.all([entry.write(new Uint8Array(10)), entry.write(new Uint8Array(10))]);
        return;
      }
      case "open end":
        sink.begin({ section: "data", name: "x", object: 1 });
    }
  }

  /** Parts of 16 MiB, in whole buffers. */
  async #large(sink: EntrySink): Promise<void> {
    const total = this.#config.act === "endless" ? Infinity : this.#config.bytes!;
    let number = 0;
    for (let at = 0; at < total;) {
      const entry = sink.begin({ section: "data", name: "large", object: 1 });
      for (let left = sink.partBytes(1); left > 0 && at < total;) {
        const buffer = await entry.buffer();
        this.#context.signal.throwIfAborted();
        this.#count(buffer);
        const length = Math.min(CHUNK_BYTES, total - at);
        fillBlock(buffer.subarray(0, length), number++);
        this.#hash.update(buffer.subarray(0, length));
        entry.commit(buffer, length);
        at += length;
        left -= length;
      }
      entry.end({ rows: 1 });
    }
  }

  #count(buffer: Bytes): void {
    // A buffer that was transferred and came back is a new object; its content tells that it was used before.
    if (buffer.some((byte) => byte !== 0)) return;
    if (!this.#seen.has(buffer.buffer)) this.#buffers++;
    this.#seen.add(buffer.buffer);
  }

  async #object(sink: EntrySink, object: number): Promise<void> {
    const entry: EntryWriter = sink.begin({ section: "data", name: `object ${object}`, object });
    for (let turn = 0; turn < 500; turn++) await entry.write(new Uint8Array(7_001).fill(object));
    entry.end({ rows: 500 });
  }

  finish() {
    const objects: SourceObject[] = [{
      name: "large",
      kind: "table",
      object: 1,
      rows: this.#buffers,
      proof: `sha256:${this.#hash.digest("hex")}`,
    }];
    return Promise.resolve({ stop: "1", objects });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#context.log.info("source disposed");
    return Promise.resolve();
  }
}

/** Hashes what it is given. */
export class StreamTarget implements RestoreTarget {
  readonly #hash = createHash("sha256");
  #rows = 0;

  plan() {
    return Promise.resolve({ mode: "stream" as const, steps: ["Hash"], conflicts: [] });
  }

  write(entry: RestoreEntry): Promise<void> {
    for (const bytes of entry.bytes) this.#hash.update(bytes);
    this.#rows += entry.rows;
    return Promise.resolve();
  }

  async pull(reader: PartReader): Promise<void> {
    const lengths = await reader.layout("data", 1);
    for (let part = 0; part < lengths.length; part++) {
      const bytes = await reader.read("data", 1, part);
      if (bytes.length !== lengths[part]) throw new Error("A part has another length");
      this.#hash.update(bytes);
    }
  }

  async *script(): ByteStream {
    for (let number = 0; number < 50; number++) {
      const block = new Uint8Array(100_003);
      fillBlock(block, number);
      this.#hash.update(block);
      yield block;
    }
  }

  commit() {
    const objects = [{
      name: "all",
      kind: "table",
      rows: this.#rows,
      proof: `sha256:${this.#hash.digest("hex")}`,
    }];
    return Promise.resolve({ objects, target: "nowhere", warnings: [] });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
