/**
 * What of a configuration may be shown: no password, no token.
 *
 * @module
 */
import { addressParts, piecesOf } from "./references.ts";

/** Stands for a secret. */
export const MASK = "***";

/** Names of keys whose values are never shown. */
const secretName =
  /pass(word|wd|phrase)?$|^pwd$|^identity$|secret|token|credential|(private|access|account|api)[-_]?key/i;

/** Whether a key of this name holds a secret. */
function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** Whether the value at a path of a configuration is a secret, or lies inside of one. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  return path.some((part, index) =>
    typeof part === "string" && (isSecretName(part) || (part === "key" && path[index - 1] === "signing"))
  );
}

/** Whether a text is nothing but references: what it names is secret, the text itself is not. */
function onlyReferences(text: string): boolean {
  return piecesOf(text).every((piece) => piece.type === "env" || piece.type === "file");
}

/** Ranges of a text that hold secrets written in plain: an address's password, secret values of its query. */
function plainSecrets(text: string): [number, number][] {
  const { password, query } = addressParts(text);
  const ranges: [number, number][] = password === undefined ? [] : [[...password]];
  if (query !== undefined) {
    for (const found of text.slice(...query).matchAll(/([^&=#]+)=([^&#]*)/g)) {
      const begin = query[0] + found.index + found[1]!.length + 1;
      if (isSecretName(found[1]!)) ranges.push([begin, begin + found[2]!.length]);
    }
  }
  return ranges.filter((range) => range[0] < range[1] && !onlyReferences(text.slice(...range)));
}

/** The secrets that a text holds in plain, without references. */
export function plainSecretsOf(text: string): string[] {
  return plainSecrets(text).map((range) => text.slice(...range));
}

/** An address, or any text, without the passwords in it: `postgres://backup:***@db/orders`. References stay. */
export function maskAddress(text: string): string {
  let masked = text;
  for (const [begin, end] of plainSecrets(text).reverse()) {
    masked = masked.slice(0, begin) + MASK + masked.slice(end);
  }
  return masked;
}

/**
 * Configuration as it may be shown: passwords in addresses and the values of keys such as `password`, `secret` or
 * `token` become `***`. References stay as they were written: they name a secret and hold none.
 * @param path Where the value stands.
 */
export function maskConfig(value: unknown, path: readonly PropertyKey[] = []): unknown {
  if (isSecretPath(path)) return maskSecret(value);
  if (typeof value === "string") return maskAddress(value);
  if (Array.isArray(value)) return value.map((inner, index) => maskConfig(inner, [...path, index]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, maskConfig(inner, [...path, key])]),
  );
}

function maskSecret(value: unknown): unknown {
  if (typeof value === "string" && onlyReferences(value)) return value;
  return value === null ? null : MASK;
}
