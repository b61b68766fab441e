/**
 * Secrets: resolved from their references when a job is used, and masked in everything that is written.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { toVaultraError, VaultraError } from "../errors.ts";
import { readText } from "./read_text.ts";
import { addressParts, type Piece, piecesOf } from "./references.ts";

/** The largest file that a reference may name, bytes. */
const MAX_SECRET_BYTES = 64 << 10;

/** Knows every secret of the process, so that none is written. */
export class Secrets {
  readonly #values = new Set<string>();

  /** Remembers a secret, in the forms in which it may appear: as it is, percent-encoded or decoded, in JSON. */
  add(secret: string): void {
    if (secret === "") return;
    this.#values.add(secret);
    this.#values.add(JSON.stringify(secret).slice(1, -1));
    if (secret.isWellFormed()) this.#values.add(encodeURIComponent(secret));
    this.#values.add(secret.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => decoded(bytes) ?? bytes));
  }

  /**
   * The text with `***` for every known secret. One of fewer than four characters is replaced only where no letter
   * or digit stands beside it: else a short one would blank out half of a log.
   */
  readonly redact = (text: string): string => {
    let redacted = text;
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      if (value.length >= 4) redacted = redacted.replaceAll(value, "***");
      else {
        const alone = new RegExp(`(?<![\\p{L}\\p{N}])${RegExp.escape(value)}(?![\\p{L}\\p{N}])`, "gu");
        redacted = redacted.replace(alone, "***");
      }
    }
    return redacted;
  };
}

/**
 * The text with its references resolved. Inside the user part and the query of an address a secret is
 * percent-encoded, so that a password with an `@` or a `/` in it does not become another host.
 *
 * @throws {VaultraError} `config.secret` for a reference that is wrong, not set, empty, or names no readable text.
 */
export async function resolveText(
  text: string,
  environment: Readonly<Record<string, string>>,
  secrets: Secrets,
): Promise<string> {
  const pieces = piecesOf(text);
  const { user, query } = addressParts(text);
  const within = (at: number, range: readonly [number, number] | undefined) =>
    range !== undefined && at >= range[0] && at < range[1];
  let resolved = "";
  for (const piece of pieces) {
    if (piece.type === "text") {
      resolved += piece.text;
      continue;
    }
    const value = await valueOf(piece, environment);
    secrets.add(value);
    resolved += within(piece.at, user) || within(piece.at, query) ? encodeURIComponent(value) : value;
  }
  return resolved;
}

async function valueOf(
  piece: Exclude<Piece, { type: "text" }>,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  if (piece.type === "wrong") throw new VaultraError("config.secret", piece.reason);
  if (piece.type === "env") {
    const value = Object.hasOwn(environment, piece.name) ? environment[piece.name] : undefined;
    if (value === undefined) {
      throw new VaultraError("config.secret", `the environment variable "${piece.name}" is not set`);
    }
    if (value === "") {
      throw new VaultraError("config.secret", `the environment variable "${piece.name}" is empty`);
    }
    return value;
  }
  if (!isAbsolute(piece.path)) {
    throw new VaultraError("config.secret", `"${piece.source}" must name its file by an absolute path`);
  }
  const value = (await readSecret(piece.path)).replace(/\r?\n$/, "");
  if (value === "") throw new VaultraError("config.secret", `the file "${piece.path}" is empty`);
  return value;
}

async function readSecret(path: string): Promise<string> {
  try {
    return await readText(path, MAX_SECRET_BYTES);
  } catch (error) {
    throw new VaultraError("config.secret", toVaultraError(error).message, { cause: error });
  }
}

function decoded(bytes: string): string | undefined {
  try {
    return decodeURIComponent(bytes);
  } catch {
    return undefined;
  }
}
