import { basename, resolve } from "node:path";
import { VaultraError } from "../../core/errors.ts";
import { generateIdentity, generateSigner } from "../../core/generate_key.ts";
import type { KeyGenerateOptions } from "../commands/key.ts";
import type { Session } from "../session.ts";

/** `vaultra key generate [FILE]`: a key in a file of its own, and what to do with it. */
export async function keyGenerate(
  session: Session,
  file: string | undefined,
  { signing = false }: KeyGenerateOptions,
): Promise<number> {
  const { stdout, surroundings } = session.context;
  const path = file ?? (signing ? "vaultra-signing.pem" : "vaultra.key");
  const key = signing ? await generateSigner() : await generateIdentity(surroundings.now());
  if (path === "-") {
    stdout.text(key.text);
    session.note(`${signing ? "Public key" : "Recipient"}: ${key.publicKey}`);
    return 0;
  }
  writeKey(path, key.text);
  session.json({ type: "result", command: "key generate", file: path, publicKey: key.publicKey });
  session.say(
    signing ? signingText(session, path, key.publicKey) : identityText(session, path, key.publicKey),
  );
  return 0;
}

/**
 * Writes a file that only its owner may read, and that is not there yet.
 * @throws {VaultraError} `target.exists`, `target.unwritable`
 */
function writeKey(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw new VaultraError(
        "target.exists",
        `There is a file "${path}" already, perhaps a key that is in use`,
        {
          hint: "Name another file: a key that is overwritten is lost, with every backup that only it opens.",
        },
      );
    }
    throw new VaultraError("target.unwritable", `"${path}" cannot be written`, {
      hint: "Check that its folder exists, that you may write there, and that there is room.",
      cause,
    });
  }
}

function identityText(session: Session, path: string, recipient: string): string {
  const { green, bold } = session.style;
  return `${green("✔")} The key is in ${bold(path)}: it opens what is encrypted to its recipient
  recipient  ${recipient}

For the configuration; the recipient encrypts, and opens nothing:

keys:
  ${keyName(path)}: { recipient: ${recipient} }
jobs:
  JOB:
    encryption: { to: [${keyName(path)}] }

Keep ${path} offline, twice: without it nobody can open the backups, you neither. Better, make a second key,
keep it elsewhere, and name both in encryption.to: each opens the backups alone.`;
}

function signingText(session: Session, path: string, publicKey: string): string {
  const { green, bold } = session.style;
  return `${green("✔")} The key is in ${bold(path)}: it signs what is backed up
  public key  ${publicKey}

For the configuration, where backups are made:

signing: { key: "\${file:${resolve(path)}}" }

Where they are restored and verified, also by those who have no key:

signing: { trusted: ["${publicKey}"] }

Who has ${path} can make backups that are trusted. If it is lost, make another one and trust both: what the
lost one signed stays valid.`;
}

/** A file's name as a name of `keys`. */
function keyName(path: string): string {
  const name = basename(path).replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "");
  // A number would be no text in YAML.
  return (/^[\d.]*$/.test(name) ? `key-${name}` : name).slice(0, 100);
}
