/**
 * How a job's archives are encrypted: names of `keys` become recipients.
 *
 * @module
 */
import { checkRecipient } from "../age/recipients.ts";
import { toVaultraError } from "../errors.ts";
import { recipientProblem } from "./config_file.ts";
import type { Encryption } from "./job.ts";
import { lowerFirst } from "./issues.ts";
import { readPassphraseFile } from "./key_file.ts";
import { type Place, placeOf, type Resolver, UNRESOLVED } from "./resolver.ts";
import type { JobSettings } from "./schema.ts";

/**
 * A job's encryption. What the job does not say, `VAULTRA_PASSPHRASE_FILE` says: whoever names a passphrase wants no
 * archive that opens without.
 * @param written The job's settings, references resolved.
 * @param place Makes the problem of a value within `encryption`.
 * @returns `undefined` when archives are not encrypted, or when a problem was told.
 */
export async function encryptionOf(
  written: JobSettings["encryption"],
  place: Place,
  resolver: Resolver,
): Promise<Encryption | undefined> {
  if (written?.passphrase !== undefined) return { passphrase: written.passphrase };
  if (written?.to !== undefined) {
    const recipients = await resolveRecipients(
      written.to,
      (path, message) => place(["to", ...path], message),
      resolver,
    );
    return { recipients };
  }
  const { environment, secrets } = resolver.context;
  const path = environment["VAULTRA_PASSPHRASE_FILE"];
  if (!path) return undefined;
  try {
    return { passphrase: await readPassphraseFile(path, secrets, resolver.warn) };
  } catch (error) {
    resolver.problems.add(placeOf("VAULTRA_PASSPHRASE_FILE")([], toVaultraError(error).message));
    return undefined;
  }
}

/**
 * Recipients, each once.
 * @param names Names of `keys` or recipients, references resolved; what is neither is told as a problem.
 */
export async function resolveRecipients(
  names: readonly string[],
  place: Place,
  resolver: Resolver,
): Promise<string[]> {
  const { file } = resolver.context;
  const recipients = new Set<string>();
  for (const [index, name] of names.entries()) {
    const problem = name === UNRESOLVED ? undefined : recipientProblem(name, file);
    if (problem !== undefined) {
      resolver.problems.add(place([index], problem));
      continue;
    }
    const named = file !== undefined && Object.hasOwn(file.keys, name);
    const at: Place = named
      ? (_path, message) => file.problem(["keys", name, "recipient"], message)
      : (_path, message) => place([index], message);
    const recipient = named ? String(await resolver.references(file.keys[name]!.recipient, at)) : name;
    if (recipient === UNRESOLVED) continue;
    try {
      await checkRecipient(recipient);
      recipients.add(recipient);
    } catch (error) {
      resolver.problems.add(at([], lowerFirst(toVaultraError(error).message)));
    }
  }
  return [...recipients];
}
