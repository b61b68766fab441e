import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** The configuration of a folder as a store. */
export interface FileStoreConfig {
  /** The folder's absolute path. */
  readonly folder: string;
}

/** The path that an address names, or what is wrong with the address. */
function pathOf(address: string): string | { readonly wrong: string } {
  if (address.includes("\0")) return { wrong: "The path holds a zero byte" };
  if (/^file:\/\//i.test(address)) {
    const url = URL.parse(address);
    if (!url || (url.host !== "" && url.host !== "localhost")) {
      return { wrong: "A file address names no host: write file:///path or file:PATH" };
    }
    if (url.search !== "" || url.hash !== "") {
      return { wrong: 'A file address takes no "?" or "#": write file:PATH for a path that has one' };
    }
    try {
      return fileURLToPath(new URL(url.pathname, "file:///"));
    } catch {
      return {
        wrong: "The address has a percent sign that encodes nothing: write file:PATH for a path as it is",
      };
    }
  }
  const path = address.replace(/^file:/i, "");
  if (path === "") return { wrong: "The path is empty" };
  if (path === "~" || /^~[\\/]/.test(path)) {
    return { wrong: 'Only a shell knows "~": write the home folder\'s path out' };
  }
  // One letter is a Windows drive, not a scheme.
  const scheme = address === path ? /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1] : undefined;
  if (scheme) return { wrong: `The address begins with "${scheme}:", which is not a folder` };
  return path;
}

/**
 * The path without symbolic links, as far as it exists. A Worker's right to a folder does not reach through a
 * link, even when the folder is named by the link.
 */
function withoutLinks(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    const above = dirname(path);
    // Any other failure is told, in better words, by the store that opens the folder.
    return error instanceof Deno.errors.NotFound && above !== path
      ? join(withoutLinks(above), basename(path))
      : path;
  }
}

/**
 * Validates `{ url }`: `file:PATH`, `file:///path` or a plain path, made absolute against the current folder,
 * symbolic links resolved.
 */
export const fileStoreConfig = z.strictObject({ url: z.string() }).transform(
  ({ url }, context): FileStoreConfig => {
    const path = pathOf(url);
    const issue = (message: string) => {
      context.addIssue({ code: "custom", message, path: ["url"] });
      return z.NEVER;
    };
    if (typeof path !== "string") return issue(path.wrong);
    const folder = isAbsolute(path) ? resolve(path) : resolve(Deno.cwd(), path);
    if (basename(folder) === "") return issue("The root of a disk cannot be a store: name a folder in it");
    return { folder: withoutLinks(folder) };
  },
);
