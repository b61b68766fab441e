/**
 * Secrets that can be told from everything else, and the search for them in whatever Vaultra wrote.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { zstdDecompressSync } from "node:zlib";
import { join } from "node:path";

/** A secret, and the random letters in the middle of it that no masking may leave. */
export interface Canary {
  readonly name: string;
  readonly secret: string;
  readonly core: string;
}

/**
 * A secret with a random core between characters that are percent-encoded in an address, escaped in JSON, quoted in YAML
 * and in a shell. In whatever form it is written, its core stays in one piece, or is encoded with it.
 */
export function canary(name: string): Canary {
  const core = crypto.getRandomValues(new Uint8Array(12)).toHex();
  return { name, core, secret: `p@s/:${core}"\\'%? &=#é` };
}

/** A secret whose form is not ours to choose: all of it is its core. */
export function canaryOf(name: string, secret: string): Canary {
  return { name, core: secret, secret };
}

/** The forms of a canary: as it is, escaped, in both cases, in UTF-16, hex, and Base64 wherever it begins in three bytes. */
function formsOf({ core }: Canary): [form: string, needle: Buffer][] {
  const forms: [string, string | Buffer][] = [
    ["plain", core],
    ["percent-encoded", encodeURIComponent(core)],
    ["in capitals", core.toUpperCase()],
    ["in small letters", core.toLowerCase()],
    ["UTF-16", Buffer.from(core, "utf16le")],
    ["backwards", [...core].reverse().join("")],
    ["hex", Buffer.from(core).toString("hex")],
    ["hex in capitals", Buffer.from(core).toString("hex").toUpperCase()],
  ];
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.from(" ".repeat(before) + core).toString("base64").replace(/=+$/, "");
    // What the bytes before and after have a part in is left out.
    const whole = encoded.slice([0, 2, 3][before], encoded.length - 1);
    forms.push(["Base64", whole], ["Base64 of addresses", whole.replaceAll("+", "-").replaceAll("/", "_")]);
  }
  return forms.map(([form, needle]) => [form, Buffer.from(needle as string)]);
}

/** What is searched for many times. */
export class CanarySearch {
  readonly #needles: [name: string, form: string, needle: Buffer][];

  constructor(canaries: readonly Canary[]) {
    this.#needles = canaries.flatMap((each) =>
      formsOf(each).map(([form, needle]) => [each.name, form, needle] as [string, string, Buffer])
    );
  }

  /** Every canary in the bytes, as `name (form)`; in frames of zstd and gzip too. */
  inBytes(bytes: Uint8Array): string[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const found = this.#needles.filter(([, , needle]) => buffer.includes(needle)).map(([name, form]) =>
      `${name} (${form})`
    );
    return [...new Set(found)];
  }

  /**
   * Every canary in the files below a folder, and in their names: `path: name (form)`. Archives are searched as they are,
   * decrypted with `identities` and decompressed.
   * @param except Paths of files that hold secrets by design.
   */
  async inFolder(folder: string, { except, identities }: {
    readonly except: readonly string[];
    readonly identities: readonly string[];
  }): Promise<string[]> {
    const found: string[] = [];
    for await (const path of filesBelow(folder)) {
      if (except.includes(path)) continue;
      const tell = (what: string, bytes: Uint8Array) => {
        for (const each of this.inBytes(bytes)) found.push(`${what}: ${each}`);
      };
      tell(`the name of ${path}`, new TextEncoder().encode(path.slice(folder.length)));
      let bytes: Uint8Array = await Deno.readFile(path);
      tell(path, bytes);
      if (path.endsWith(".age")) {
        bytes = await decrypted(path, identities);
        tell(`${path}, decrypted`, bytes);
      }
      if (/\.tar\.zst(\.age)?$/.test(path) && bytes.length > 0) {
        tell(`${path}, decompressed`, await decompressed(bytes));
      }
    }
    return found;
  }
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}

/** What `age` decrypts of a file; nothing when none of the identities opens it. */
async function decrypted(path: string, identities: readonly string[]): Promise<Uint8Array> {
  const options = identities.flatMap((identity) => ["-i", identity]);
  const { stdout } = await new Deno.Command("age", { args: ["-d", ...options, path], stderr: "null" })
    .output();
  return stdout;
}

/** What the frames of zstd hold, as far as they are whole. */
async function decompressed(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return zstdDecompressSync(bytes);
  } catch {
    const child = new Deno.Command("zstd", {
      args: ["-dcq"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    const fed = writer.write(bytes).then(() => writer.close()).catch(() => {});
    const { stdout } = await child.output();
    await fed;
    return stdout;
  }
}
