/**
 * References to secrets inside text, `${env:NAME}` and `${file:PATH}`, and where an address holds its password.
 * `$${` stands for a plain `${`.
 *
 * @module
 */

/** A piece of a text: plain, or a reference. */
export type Piece =
  | { readonly type: "text"; readonly text: string; readonly at: number; readonly source: string }
  | { readonly type: "env"; readonly name: string; readonly at: number; readonly source: string }
  | { readonly type: "file"; readonly path: string; readonly at: number; readonly source: string }
  | { readonly type: "wrong"; readonly reason: string; readonly at: number; readonly source: string };

/** The pieces of a text in order; `at` is where each begins, `source` is how it was written. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  const plain = (from: number, to: number) => {
    if (from < to) {
      pieces.push({ type: "text", text: text.slice(from, to), at: from, source: text.slice(from, to) });
    }
  };
  let done = 0;
  for (const found of text.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    plain(done, found.index);
    const [source, body, end] = found;
    done = found.index + source.length;
    const where = { at: found.index, source };
    if (body === undefined) pieces.push({ type: "text", text: "${", ...where });
    else if (end === "") {
      pieces.push({ type: "wrong", reason: `"${shorten(source)}" has no closing brace`, ...where });
    } else pieces.push({ ...reference(body), ...where });
  }
  plain(done, text.length);
  return pieces;
}

type Reference =
  | { readonly type: "env"; readonly name: string }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "wrong"; readonly reason: string };

function reference(body: string): Reference {
  const name = /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(body)?.[1];
  if (name !== undefined) return { type: "env", name };
  const path = /^file:(.+)$/.exec(body)?.[1];
  if (path !== undefined) return { type: "file", path };
  return {
    type: "wrong",
    reason: `"\${${
      shorten(body)
    }}" is no reference: write \${env:NAME} or \${file:/path}, or $\${ for the characters`,
  };
}

/** Whether a text holds references, so that its value is known only once they are resolved. */
export function hasReferences(text: string): boolean {
  return piecesOf(text).some((piece) => piece.type !== "text");
}

/** The parts of an address in which characters such as `@` and `/` must be percent-encoded. */
export interface AddressParts {
  /** `user:password` before the `@`, as a half-open range; absent when there is none. */
  readonly user?: readonly [number, number];
  /** The password alone. */
  readonly password?: readonly [number, number];
  /** What follows the `?`. */
  readonly query?: readonly [number, number];
}

/**
 * Finds the parts of `scheme://user:password@host/path?query` by position; nothing for any other text.
 * References count as one word each, whatever stands in them. A password that was not encoded (`p/w`, `p?w`) is
 * found as well as can be: it begins behind a colon that no port follows and ends at the last `@`.
 */
export function addressParts(text: string): AddressParts {
  const shadow = piecesOf(text).map((piece) =>
    piece.type === "text" ? piece.source : "_".repeat(piece.source.length)
  ).join("");
  const begin = /^[a-z][a-z0-9+.-]*:\/\//i.exec(shadow)?.[0].length;
  if (begin === undefined) return {};
  const user = /^[^/?#]*(?=@)/.exec(shadow.slice(begin))?.[0] ??
    /^[^/?#@[]*:(?!\d+[/?,]).*(?=@)/.exec(shadow.slice(begin))?.[0];
  const end = begin + (user?.length ?? 0);
  const colon = user?.indexOf(":") ?? -1;
  const question = shadow.indexOf("?", end);
  return {
    ...(user === undefined ? {} : { user: [begin, end] }),
    ...(colon < 0 ? {} : { password: [begin + colon + 1, end] }),
    ...(question < 0 ? {} : { query: [question + 1, text.length] }),
  };
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
