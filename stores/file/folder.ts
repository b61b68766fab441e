import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import type { ObjectInfo } from "../../core/store.ts";
import { compareKeys, isKey } from "../../core/store_key.ts";
import { LOCK_FILE } from "./exclusive.ts";
import { errorCode, fileError } from "./file_error.ts";
import { unfinishedName } from "./temporary_file.ts";

/** What operating systems put at the root of a disk; often unreadable, never a backup. */
const notOurs: ReadonlySet<string> = new Set(["lost+found", "System Volume Information", ".Trashes"]);

/** One file below the store's folder. */
export interface FoundFile {
  /** The folder's key: `""` for the store's own folder. */
  readonly folder: string;
  readonly name: string;
}

/** Joins two parts of a key; either may be empty. */
export function joinKey(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Whether a file's name is one that the store keeps for itself. */
export function isOwnName(name: string): boolean {
  return name === LOCK_FILE || unfinishedName(name) !== undefined;
}

/**
 * The store's folder and how keys lie in it. Symbolic links below it are never followed: the real path of an
 * object must be the one that its key names. (Between that check and the use of the path, somebody who may
 * write to the folder could still exchange a part of it; README.md tells what that means.)
 */
export class Folder {
  readonly root: string;
  readonly #syncFolder: (path: string) => Promise<void>;
  /** Keys of folders whose own entries, up to the root, are known to be on the disk. */
  readonly #durable = new Set<string>();

  /** @param syncFolder Flushes a folder's entries to the disk. */
  constructor(root: string, syncFolder: (path: string) => Promise<void>) {
    this.root = root;
    this.#syncFolder = syncFolder;
  }

  /** Where a key's file lies, whether it exists or not. */
  path(key: string): string {
    return join(this.root, ...key.split("/"));
  }

  /**
   * The path of what exists under a key without a symbolic link on the way, or `null`.
   * @throws {VaultraError} `store.denied` when a link leads elsewhere, `store.conflict` when the root is a file.
   */
  async existing(key: string): Promise<string | null> {
    const path = this.path(key);
    try {
      const [root, real] = await Promise.all([Deno.realPath(this.root), Deno.realPath(path)]);
      // macOS keeps names in another normal form than they were given in.
      if (real.normalize() === join(root, ...key.split("/")).normalize()) return path;
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ENAMETOOLONG") return null;
      if (code === "ENOTDIR" && (await Deno.stat(this.root)).isDirectory) return null;
      throw fileError(error, `read "${key}" in folder "${this.root}"`);
    }
    throw new VaultraError("store.denied", `Cannot read "${key}": a symbolic link leads elsewhere`, {
      hint:
        `Replace the link in folder "${this.root}" by what it points to; links in a store are not followed.`,
    });
  }

  /** Creates a key's folder and all above it, readable only by their owner. */
  async make(folder: string): Promise<void> {
    if (await makeFolder(this.root)) await this.#syncAbove();
    else if (!this.#durable.has("")) await this.#syncFolder(dirname(this.root)).catch(() => {});
    this.#durable.add("");
    let key = "";
    for (const part of folder === "" ? [] : folder.split("/")) {
      key = joinKey(key, part);
      if (await makeFolder(this.path(key))) this.#durable.delete(key);
    }
    if (folder !== "") await this.existing(folder);
  }

  /** Flushes a folder, and the entries that lead to it from the root unless that was done before. */
  async sync(folder: string): Promise<void> {
    await this.#syncFolder(this.path(folder));
    for (let key = folder; key !== "" && !this.#durable.has(key);) {
      const above = key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : "";
      await this.#syncFolder(this.path(above));
      this.#durable.add(key);
      key = above;
    }
  }

  /** Flushes the folders above a root that was just created. */
  async #syncAbove(): Promise<void> {
    let path = dirname(this.root);
    await this.#syncFolder(path);
    try {
      for (let above = dirname(path); above !== path; path = above, above = dirname(path)) {
        await this.#syncFolder(above);
      }
    } catch {
      // A folder further up that may not be opened was there before: what is made here may be.
    }
  }

  /** All files whose key begins with `prefix`, sorted by key, one folder's names in memory at a time. */
  async *files(prefix: string): AsyncGenerator<FoundFile> {
    const slash = prefix.lastIndexOf("/");
    const folder = slash < 0 ? "" : prefix.slice(0, slash);
    if (folder !== "" && (!isKey(folder) || await this.existing(folder) === null)) return;
    yield* this.#walk(folder, prefix.slice(slash + 1));
  }

  *#walk(folder: string, begin: string): Generator<FoundFile> {
    const names: string[] = [];
    try {
      for (const entry of Deno.readDirSync(folder === "" ? this.root : this.path(folder))) {
        if (!entry.name.startsWith(begin)) continue;
        if (folder === "" && notOurs.has(entry.name)) continue;
        // With its slash a folder sorts where the keys of its files do.
        if (entry.isDirectory) names.push(`${entry.name}/`);
        else if (entry.isFile) names.push(entry.name);
      }
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || (code === "ENOTDIR" && folder !== "")) return;
      throw fileError(error, `list folder "${folder === "" ? this.root : this.path(folder)}"`);
    }
    names.sort(compareKeys);
    for (const name of names) {
      if (name.endsWith("/")) yield* this.#walk(joinKey(folder, name.slice(0, -1)), "");
      else yield { folder, name };
    }
  }

  /** Describes a file that exists, or returns `null` when it is gone or no plain file. */
  describe(key: string): ObjectInfo | null {
    const info = lstatSync(this.path(key), { bigint: true, throwIfNoEntry: false });
    if (!info?.isFile()) return null;
    return {
      key,
      size: Number(info.size),
      modified: new Date(Number(info.mtimeMs)).toISOString(),
      // Every put makes a new file, so the number differs from the one that it replaced.
      etag: [info.ino, info.size, info.mtimeNs].map((value) => value.toString(36)).join("-"),
    };
  }
}

/**
 * Creates a folder unless it exists.
 * @returns Whether it was created.
 */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST") return false;
    if (code !== "ENOENT") throw error;
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    return true;
  }
}
