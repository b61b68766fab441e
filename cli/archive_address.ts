import { basename } from "node:path";
import { parseKey } from "../core/catalog/keys.ts";
import { resolveStore } from "../core/config/resolve.ts";
import { VaultraError } from "../core/errors.ts";
import type { BackupLocation } from "../core/open_backup.ts";
import type { ObjectStore } from "../core/store.ts";
import type { Session } from "./session.ts";
import type { Workspace } from "./workspace.ts";

/** An archive that was named by its address, and the store that must be closed after it. */
export interface AddressedArchive {
  readonly origin: { readonly kind: "backup" } & BackupLocation;
  readonly store: ObjectStore;
}

/**
 * An archive by its address: the folder above it is the store. Its record, if it lies beside it as in a store of
 * Vaultra's, is used and must fit.
 * @param argument Where the address stands on the command line, for errors.
 * @throws {VaultraError} `usage.which-backup`, and what opens the store throws
 */
export async function openAddress(
  session: Session,
  workspace: Workspace,
  address: string,
  argument = "--from",
): Promise<AddressedArchive> {
  const { folder, key } = splitAddress(address);
  if (key === "") {
    throw new VaultraError("usage.which-backup", `"${address}" names no archive`, {
      hint: "Give the archive's own address, such as file:/srv/backups/shop/….tar.zst.",
    });
  }
  const store = await workspace.openStore(await resolveStore(folder, workspace.context, argument));
  const job = basename(folder);
  const parsed = parseKey(`${job}/${key}`);
  try {
    if (parsed?.kind !== "archive") return { origin: { kind: "backup", store, key }, store };
    const above = await workspace.openStore(
      await resolveStore(splitAddress(folder).folder, workspace.context, argument),
    );
    await using parent = above;
    const record = await workspace.catalog(parent).read(parsed).catch((error) => {
      if (!(error instanceof VaultraError)) throw error;
      // The archive can be read by itself: whoever names it may have lost its record, or has one that was damaged.
      if (error.family === "damaged") session.warn(error.message, "The archive is read without it.");
      else if (error.family !== "no-backup") throw error;
      return undefined;
    });
    return { origin: { kind: "backup", store, key, record }, store };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * An address's folder and its last part. The folder is an address too, of which no word alone is left: that would
 * be the name of a store.
 */
export function splitAddress(address: string): { readonly folder: string; readonly key: string } {
  const scheme = /^[a-z][a-z0-9+.-]+:/i.exec(address)?.[0] ?? "";
  const path = address.slice(scheme.length);
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const above = cut < 0 ? "." : path.slice(0, cut) || path.slice(0, 1);
  const folder = scheme === "" && !/[/\\.]/.test(above) ? `./${above}` : above;
  return { folder: scheme + folder, key: path.slice(cut + 1) };
}
