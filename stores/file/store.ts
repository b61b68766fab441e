import { VaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions, Upload } from "../../core/store.ts";
import { checkKey, isKey } from "../../core/store_key.ts";
import { abortable, abortError } from "../../core/streams/abortable.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import { folderChecks } from "./checks.ts";
import { enterExclusively } from "./exclusive.ts";
import { attempt, fileError } from "./file_error.ts";
import { Folder, isOwnName, joinKey } from "./folder.ts";
import { readRange } from "./read_range.ts";
import { claimAbandoned, TemporaryFile, unfinishedName } from "./temporary_file.ts";

/** Objects as files below one folder; README.md tells how they are written and guarded. */
export class FileStore implements ObjectStore {
  readonly capabilities = { conditionalPut: true, retention: false };
  readonly displayName: string;
  readonly #folder: Folder;
  readonly #signal: AbortSignal;

  /** @param root The folder's absolute path. It is created, with all above it, by the first put. */
  constructor(root: string, context: Pick<PluginContext, "signal" | "syncFolder">) {
    this.displayName = `file:${root}`;
    this.#folder = new Folder(root, (path) => context.syncFolder(path));
    this.#signal = context.signal;
  }

  /** @inheritdoc */
  async get(key: string, range: ByteRange = { offset: 0 }, signal?: AbortSignal): Promise<ByteStream> {
    if (!(await this.stat(key))) {
      throw new VaultraError("store.not-found", `There is no "${key}" in "${this.displayName}"`, {
        hint: "Check the store's address and the backup's name.",
      });
    }
    return readRange(this.#folder.path(key), key, range, this.#either(signal));
  }

  /** @inheritdoc */
  async stat(key: string): Promise<ObjectInfo | null> {
    checkKey(key);
    if (await this.#folder.existing(key) === null) return null;
    return await attempt(`read "${key}"`, () => Promise.resolve(this.#folder.describe(key)));
  }

  /** @inheritdoc */
  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    for await (const { folder, name } of this.#folder.files(prefix)) {
      const key = joinKey(folder, name);
      if (isOwnName(name) || !isKey(key)) continue;
      const info = this.#folder.describe(key);
      if (info) yield info;
    }
  }

  /** @inheritdoc */
  async put(key: string, body: ByteStream, options: PutOptions = {}): Promise<ObjectInfo> {
    const { folder, name } = this.#place(key);
    const signal = this.#either(options.signal);
    const doing = `store "${key}" in "${this.displayName}"`;
    // Before the body is read: a put that can't succeed should not take an hour to say so.
    this.#demand(key, await this.stat(key), options);
    const info = await attempt(doing, async () => {
      await this.#folder.make(folder);
      await using file = await TemporaryFile.create(this.#folder.path(folder), name);
      for await (const block of abortable(body, signal)) await file.write(block);
      await file.sync();
      return await this.#publish(file, key, options, signal);
    });
    try {
      await this.#folder.sync(folder);
    } catch (error) {
      // What may not survive a power cut was not stored; the error that tells so is the one that counts.
      await this.remove(key, { ifMatch: info.etag }).catch(() => {});
      throw fileError(error, doing);
    }
    return info;
  }

  async #publish(
    file: TemporaryFile,
    key: string,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<ObjectInfo> {
    using _exclusive = await enterExclusively(this.#folder.root, signal);
    this.#demand(key, this.#folder.describe(key), options);
    if (signal.aborted) throw abortError(signal);
    await file.publish(this.#folder.path(key));
    const info = this.#folder.describe(key);
    if (!info) throw new VaultraError("store.failed", `Object "${key}" vanished while it was stored`);
    return info;
  }

  /** Checks the conditions of a put against what is there. */
  #demand(key: string, found: ObjectInfo | null, { ifAbsent, ifMatch }: PutOptions): void {
    if (ifAbsent && found) {
      throw new VaultraError("store.exists", `Cannot store "${key}": it exists already`, {
        hint: "Another run stored it first; nothing was changed.",
      });
    }
    if (ifMatch !== undefined && found?.etag !== ifMatch) throw changed(key, "store");
  }

  /** @inheritdoc */
  async remove(key: string, { ifMatch }: { readonly ifMatch?: string } = {}): Promise<void> {
    const { folder } = this.#place(key);
    if (!(await this.stat(key))) return;
    await attempt(`remove "${key}" from "${this.displayName}"`, async () => {
      {
        using _exclusive = await enterExclusively(this.#folder.root, this.#signal);
        const found = this.#folder.describe(key);
        if (!found) return;
        if (ifMatch !== undefined && found.etag !== ifMatch) throw changed(key, "remove");
        await Deno.remove(this.#folder.path(key));
      }
      // In the order in which they were removed: else a power cut could bring a record back without its archive.
      await this.#folder.sync(folder);
    });
  }

  /** @inheritdoc */
  async *unfinished(): AsyncGenerator<Upload> {
    for await (const { folder, name } of this.#folder.files("")) {
      const object = unfinishedName(name);
      if (object === undefined) continue;
      const upload = joinKey(folder, name);
      const file = await attempt(`read "${upload}"`, () => claimAbandoned(this.#folder.path(upload)));
      if (!file) continue;
      file.close();
      const info = this.#folder.describe(upload);
      if (info) yield { key: joinKey(folder, object), started: info.modified, size: info.size, upload };
    }
  }

  /** @inheritdoc */
  async discard({ upload }: Upload): Promise<void> {
    const name = upload.slice(upload.lastIndexOf("/") + 1);
    const folder = upload.slice(0, Math.max(0, upload.length - name.length - 1));
    const object = unfinishedName(name);
    if (object === undefined || !isKey(joinKey(folder, object))) {
      throw new VaultraError("store.invalid-key", `There is no unfinished upload ${JSON.stringify(upload)}`);
    }
    await attempt(`discard "${upload}"`, async () => {
      if (folder !== "" && await this.#folder.existing(folder) === null) return;
      using file = await claimAbandoned(this.#folder.path(upload));
      if (file) await Deno.remove(this.#folder.path(upload));
    });
  }

  /** @inheritdoc */
  checks(): AsyncIterable<Check> {
    return folderChecks(this, this.#folder, this.#signal);
  }

  /** Nothing is kept open between two calls. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** A key's folder and name. */
  #place(key: string): { folder: string; name: string } {
    const parts = checkKey(key).split("/");
    if (parts.some(isOwnName)) {
      throw new VaultraError(
        "store.invalid-key",
        `Cannot use "${key}" as a key: the store keeps that name for itself`,
      );
    }
    return { folder: parts.slice(0, -1).join("/"), name: parts.at(-1)! };
  }

  #either(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#signal]) : this.#signal;
  }
}

function changed(key: string, doing: string): VaultraError {
  return new VaultraError("store.changed", `Cannot ${doing} "${key}": it was changed by somebody else`, {
    hint: "Another run is at work on the same object; look at it again before the next try.",
  });
}
