/**
 * The newest backup of each store and job that this machine has met, one small file each in the state folder.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../core/archive/bounded_json.ts";
import { backupId } from "../core/archive/format.ts";
import { documentBytes } from "../core/catalog/record.ts";
import type { SeenBackup, SeenBackups } from "../core/catalog/seen.ts";
import type { Listener } from "../core/events.ts";
import { eventLogger } from "../core/operation.ts";
import { stateFolder } from "./state_folder.ts";

/** The longest file that is read: 64 KiB. */
const MAX_BYTES = 64 << 10;

/** Store and job stand in it for people; its name is their hash. */
const seenDocument = z.object({
  store: z.string(),
  job: z.string(),
  id: backupId,
  record: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The memory of this machine; `undefined` where it has no home. A file that is damaged is told as a warning, and made anew. */
export function localSeen(
  env: Readonly<Record<string, string>>,
  listener: Listener,
): SeenBackups | undefined {
  const folder = stateFolder(env, "seen");
  return folder === undefined ? undefined : new LocalSeen(folder, listener);
}

class LocalSeen implements SeenBackups {
  readonly #folder: string;
  readonly #listener: Listener;

  constructor(folder: string, listener: Listener) {
    this.#folder = folder;
    this.#listener = listener;
  }

  async newest(store: string, job: string): Promise<SeenBackup | undefined> {
    const path = this.#path(store, job);
    try {
      const { size } = await Deno.stat(path);
      const bytes = size > MAX_BYTES ? new Uint8Array() : await Deno.readFile(path);
      const what = `The file "${path}"`;
      const seen = seenDocument.parse(parseJson(bytes, { what, code: "failed.state", maxBytes: MAX_BYTES }));
      return { id: seen.id, record: seen.record };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      this.#listener({
        type: "warning",
        code: "signature.forgotten",
        message: `What this machine remembers of "${job}" in ${store} cannot be read from "${path}"`,
        hint: "Whether the store was set back cannot be told this time. Remove the file if it comes again.",
      });
      return undefined;
    }
  }

  async keep(store: string, job: string, backup: SeenBackup | undefined): Promise<void> {
    const path = this.#path(store, job);
    const temporary = `${path}.${randomUUID()}`;
    try {
      if (backup === undefined) return await Deno.remove(path);
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const document = documentBytes({ store, job, ...backup });
      await Deno.writeFile(temporary, document, { createNew: true, mode: 0o600 });
      await Deno.rename(temporary, path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      await Deno.remove(temporary).catch(() => {});
      // A container's home may be read-only. The backup is none the worse for it.
      eventLogger(this.#listener, "seen").warn(`"${path}" cannot be written: ${(error as Error).message}`);
    }
  }

  #path(store: string, job: string): string {
    const name = createHash("sha256").update(`${store}\0${job}`).digest("hex").slice(0, 32);
    return join(this.#folder, `${name}.json`);
  }
}
