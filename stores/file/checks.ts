import { statfs } from "node:fs/promises";
import { toVaultraError } from "../../core/errors.ts";
import type { Check } from "../../core/events.ts";
import type { ObjectStore } from "../../core/store.ts";
import { enterExclusively } from "./exclusive.ts";
import { attempt, errorCode } from "./file_error.ts";
import type { Folder } from "./folder.ts";

const GIBIBYTE = 2 ** 30;
const DAY_MS = 86_400_000;

/** The checks of a folder that is a store, each by doing what a backup does. */
export async function* folderChecks(
  store: ObjectStore,
  folder: Folder,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const found = await kindOf(folder.root);
  if (found === "absent") {
    yield {
      name: "file.folder",
      status: "warning",
      found: `Folder "${folder.root}" does not exist yet`,
      fix: "Check the address, and that its disk is mounted; the first backup creates the folder.",
    };
    return;
  }
  if (found !== "folder") {
    yield { name: "file.folder", status: "failed", found, fix: "Name a folder that this user may open." };
    return;
  }
  yield { name: "file.folder", status: "ok", found: `Folder "${folder.root}" exists` };
  yield await check("file.exclusive", "Writers can keep each other out", async () => {
    (await attempt(`lock folder "${folder.root}"`, () => enterExclusively(folder.root, signal)))
      [Symbol.dispose]();
  });
  yield await check("file.writable", "Objects can be written, flushed to the disk and removed", async () => {
    const key = `.vaultra-doctor-${crypto.getRandomValues(new Uint8Array(8)).toHex()}`;
    const info = await store.put(key, probe(), { ifAbsent: true, signal });
    await store.remove(key, { ifMatch: info.etag });
  });
  yield await privacy(folder.root);
  yield await space(folder.root);
  yield await abandoned(store);
}

async function kindOf(root: string): Promise<string> {
  try {
    return (await Deno.stat(root)).isDirectory ? "folder" : `"${root}" is a file`;
  } catch (error) {
    return errorCode(error) === "ENOENT" ? "absent" : `"${root}" cannot be opened: ${errorCode(error)}`;
  }
}

async function* probe(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield new Uint8Array(4096);
}

/** Runs one check; the error's own words tell what is wrong. */
async function check(name: string, found: string, call: () => Promise<void>): Promise<Check> {
  try {
    await call();
    return { name, status: "ok", found };
  } catch (error) {
    const { message, hint } = toVaultraError(error, "store.failed");
    return { name, status: "failed", found: message, ...(hint === undefined ? {} : { fix: hint }) };
  }
}

async function privacy(root: string): Promise<Check> {
  const { mode } = await Deno.stat(root);
  if (mode === null || (mode & 0o007) === 0) {
    return { name: "file.privacy", status: "ok", found: "Other users cannot look into the folder" };
  }
  const may = (mode & 0o002) !== 0 ? "change or remove backups" : "look into the folder";
  return {
    name: "file.privacy",
    status: "warning",
    found: `Every user of this machine can ${may} (mode ${(mode & 0o777).toString(8)})`,
    fix: `Run: chmod 700 ${JSON.stringify(root)}`,
  };
}

async function space(root: string): Promise<Check> {
  try {
    const { bavail, blocks, bsize } = await statfs(root);
    const free = bavail * bsize;
    const low = free < GIBIBYTE || free < blocks * bsize / 20;
    const found = `${(free / GIBIBYTE).toFixed(1)} GiB are free`;
    if (!low) return { name: "file.space", status: "ok", found };
    return { name: "file.space", status: "warning", found, fix: "Free some space, or prune old backups." };
  } catch (error) {
    return {
      name: "file.space",
      status: "warning",
      found: `The free space is unknown: ${errorCode(error) ?? "the right to ask is missing"}`,
      fix: "Look with df whether the disk has room for the next backup.",
    };
  }
}

async function abandoned(store: ObjectStore): Promise<Check> {
  const names: string[] = [];
  let bytes = 0;
  for await (const upload of store.unfinished()) {
    if (Date.now() - Date.parse(upload.started) < DAY_MS) continue;
    names.push(upload.upload);
    bytes += upload.size;
  }
  if (names.length === 0) {
    return { name: "file.unfinished", status: "ok", found: "No unfinished upload is older than a day" };
  }
  return {
    name: "file.unfinished",
    status: "warning",
    found: `${names.length} unfinished uploads of ${Math.ceil(bytes / 2 ** 20)} MiB are older than a day: ${
      names.slice(0, 3).join(", ")
    }${names.length > 3 ? ", …" : ""}`,
    fix: "Their runs are dead: remove these files from the store's folder.",
  };
}
