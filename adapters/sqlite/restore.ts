import { dirname } from "node:path";
import type {
  RestoreEntry,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
  SourceObject,
} from "../../core/database.ts";
import { compareObjects, refuseDifferences } from "../../core/compare.ts";
import { toVaultraError, VaultraError } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/streams/bytes.ts";
import type { SqliteConfig } from "./config.ts";
import type { Engine } from "./connection.ts";
import { isCorrupt, sqliteError } from "./failure.ts";
import type { DatabaseHeader } from "./header.ts";
import { checkIntegrity, checkPatience } from "./integrity.ts";
import { PageFile } from "./page_file.ts";
import { PageHashes } from "./page_hashes.ts";
import { realPath, restoreFiles } from "./paths.ts";
import { obstacles, placeNew, placeOver, targetExists } from "./place_file.ts";
import { countRows } from "./rows.ts";
import { takeRestoreLock } from "./restore_lock.ts";
import { temporaryDatabase } from "./temporary_database.ts";

/** Restores a whole database file, byte for byte: written beside the target, checked, then renamed. */
export class FileRestore implements RestoreTarget {
  readonly #engine: Engine;
  readonly #request: RestoreRequest;
  readonly #context: PluginContext;
  readonly #target: string;
  readonly #work: string;
  readonly #stack = new DisposableStack();
  #pages: PageFile | undefined;

  constructor(engine: Engine, config: SqliteConfig, request: RestoreRequest, context: PluginContext) {
    this.#engine = engine;
    this.#request = request;
    this.#context = context;
    this.#target = realPath(config.path);
    this.#work = restoreFiles(this.#target).restore;
  }

  plan(): Promise<RestorePlan> {
    const replace = this.#request.ifExists === "replace";
    const inTheWay = obstacles(this.#target);
    const size = this.#request.bytes > 0 ? ` (${this.#request.bytes} bytes)` : "";
    return Promise.resolve({
      mode: "stream",
      steps: [
        `Write the database file${size} to "${this.#work}"`,
        "Check its integrity",
        replace && inTheWay.length > 0
          ? `Put it in the place of "${this.#target}"`
          : `Name it "${this.#target}"`,
      ],
      conflicts: replace ? [] : inTheWay.map((path) => `There is already a file "${path}"`),
    });
  }

  async write(entry: RestoreEntry): Promise<void> {
    try {
      this.#pages ??= this.#begin();
      this.#pages.write(entry);
    } catch (thrown) {
      throw sqliteError(thrown, this.#work, "target");
    }
    await Promise.resolve();
  }

  /** @throws {VaultraError} `internal`: whole files are streamed. */
  pull(): Promise<void> {
    return Promise.reject(new VaultraError("internal", "A whole database file is restored as a stream"));
  }

  /** @throws {VaultraError} `internal`: SQL text is made from tables. */
  script(): ByteStream {
    throw new VaultraError("internal", "A whole database file makes no SQL text");
  }

  /** @throws {VaultraError} `damaged.*`, `different.restored`, `target.exists`, `target.in-use`, `target.disk-full` */
  async commit(): Promise<RestoreReport> {
    try {
      const pages = this.#pages ??= this.#begin();
      const patience = checkPatience(pages.bytes);
      const header = pages.header();
      // The disk takes the file while the file is checked.
      const flushed = pages.flush();
      flushed.catch(() => {});
      const report = await this.#context.blocking(patience, () => this.#examine(header, pages.bytes));
      await flushed;
      // Compared before it takes its place: what stands there is worth more than a copy that differs.
      const { objects = [], proof } = this.#request;
      refuseDifferences(
        "The restored copy",
        compareObjects(objects, report.objects, proof),
        `"${this.#target}" is as it was. Try again; if it fails again, verify the backup and use another one.`,
      );
      if (this.#request.ifExists === "replace") placeOver(this.#engine, this.#work, this.#target);
      else placeNew(this.#work, this.#target);
      await this.#context.syncFolder(dirname(this.#target));
      return { ...report, target: this.#target };
    } catch (thrown) {
      throw isCorrupt(thrown)
        ? corruptSource([toVaultraError(thrown).message])
        : sqliteError(thrown, this.#target, "target");
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stack.dispose();
    return Promise.resolve();
  }

  #begin(): PageFile {
    if (this.#request.ifExists === "fail" && obstacles(this.#target).length > 0) {
      throw targetExists(this.#target);
    }
    this.#stack.use(takeRestoreLock(this.#context, this.#target));
    this.#stack.use(temporaryDatabase(this.#context, this.#work));
    return this.#stack.use(new PageFile(this.#work, 0o666));
  }

  /** Opens the written file and checks what is in it. */
  #examine(header: DatabaseHeader | undefined, bytes: number): Omit<RestoreReport, "target"> {
    const { proof } = this.#request;
    const main: SourceObject = {
      name: "main",
      kind: "pages",
      object: 1,
      ...(proof === "content" ? { proof: proofOf(this.#work, header, bytes) } : {}),
    };
    const connection = this.#engine.connect(this.#work);
    try {
      connection.exec("pragma locking_mode = exclusive; pragma query_only = on");
      const { damage, flaws, unchecked } = checkIntegrity(connection, "full");
      if (damage.length > 0) throw corruptSource(damage);
      const { objects, warnings } = countRows(connection, proof !== "none");
      return {
        objects: [main, ...objects],
        warnings: [
          ...warnings,
          ...flaws.map((flaw) => `The database breaks its own rules, as its source did: ${flaw}`),
          ...unchecked.map((reason) => `A part of the integrity check could not run: ${reason}`),
        ],
      };
    } finally {
      connection.close();
    }
  }
}

/** The parts are what the backup read, so whatever is wrong in them was wrong before. */
function corruptSource(damage: readonly string[]): VaultraError {
  return new VaultraError(
    "damaged.integrity",
    `The restored database is corrupt, as its source was: ${damage[0]}`,
    {
      hint:
        "Use an older backup; the commands in the archive's RESTORE.md still unpack this one, for sqlite3's .recover.",
      details: { damage },
    },
  );
}

/** The proof of a file's pages. */
function proofOf(path: string, header: DatabaseHeader | undefined, bytes: number): string {
  const hashes = new PageHashes(header?.pageSize ?? 4096);
  const file = Deno.openSync(path, { read: true });
  try {
    const buffer = new Uint8Array(1 << 20);
    for (let offset = 0; offset < bytes;) {
      const pages = buffer.subarray(0, Math.min(buffer.length, bytes - offset));
      for (let filled = 0; filled < pages.length;) {
        const got = file.readSync(pages.subarray(filled));
        if (got === null) {
          throw new VaultraError("target.changed", `The file "${path}" became shorter while it was checked`);
        }
        filled += got;
      }
      hashes.add(pages);
      offset += pages.length;
    }
    return hashes.proof();
  } finally {
    file.close();
  }
}
