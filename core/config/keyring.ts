/**
 * What opens encrypted archives and whose signatures count, from flags, environment and configuration.
 *
 * @module
 */
import { toVaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import { valueAt } from "./issues.ts";
import { identitiesIn, readKeyFile, readPassphraseFile } from "./key_file.ts";
import { problemText } from "./problems.ts";
import { type Place, placeOf, type ResolveContext, Resolver, UNRESOLVED } from "./resolver.ts";
import { layerJob } from "./settings.ts";

/** The flags that name key files. */
export interface KeyFlags {
  readonly identityFile?: readonly string[] | undefined;
  readonly passphraseFile?: string | undefined;
}

/**
 * What opens archives: the files that flags name, else those that `VAULTRA_IDENTITY_FILE` and
 * `VAULTRA_PASSPHRASE_FILE` name, else the identities and passphrases of the configuration. One layer alone, so that
 * a person who names a key learns whether that key opens a backup. What this machine lacks of the configuration's is
 * passed over, for it may be meant for another job; the keyring says what it was.
 *
 * @param warn Is told what a person should know, in sentences.
 * @throws {VaultraError} `config.key-file`, `config.identity`, `config.passphrase`, all for files that were named
 */
export async function resolveKeyring(
  context: ResolveContext,
  flags: KeyFlags,
  warn: (message: string) => void,
): Promise<Keyring> {
  const { environment, secrets } = context;
  const { identityFile, passphraseFile } = namedFiles(flags, environment);
  if (identityFile.length === 0 && passphraseFile === undefined) return await configuredKeyring(context);
  const identities: string[] = [];
  for (const path of identityFile) {
    const text = await readKeyFile(path, "identity file", warn);
    identities.push(...await identitiesIn(text, `The identity file "${path}"`, secrets));
  }
  const passphrases = passphraseFile === undefined
    ? []
    : [await readPassphraseFile(passphraseFile, secrets, warn)];
  return { identities, passphrases };
}

function namedFiles(flags: KeyFlags, environment: ResolveContext["environment"]) {
  if (flags.identityFile !== undefined || flags.passphraseFile !== undefined) {
    return { identityFile: flags.identityFile ?? [], passphraseFile: flags.passphraseFile };
  }
  const { VAULTRA_IDENTITY_FILE: identity, VAULTRA_PASSPHRASE_FILE: passphrase } = environment;
  return { identityFile: identity ? [identity] : [], passphraseFile: passphrase || undefined };
}

/** The identities and passphrases that the configuration names and this machine has. */
async function configuredKeyring(context: ResolveContext): Promise<Keyring> {
  const resolver = new Resolver(context);
  const { file, environment } = context;
  const identities: string[] = [];
  for (const name of Object.keys(file?.keys ?? {})) {
    identities.push(...await configuredIdentities(name, resolver));
  }
  const passphrases = new Set<string>();
  for (const [name, written] of Object.entries(file?.jobs ?? {})) {
    const { value, origin } = layerJob(name, written, environment, {});
    const text = valueAt(value, ["encryption", "passphrase"]);
    if (typeof text !== "string") continue;
    const path = ["encryption", "passphrase"];
    const place: Place = (path, message) => {
      const source = origin(path);
      return source === undefined
        ? file!.problem(["jobs", name, ...path], message)
        : placeOf(source)(path, message);
    };
    passphrases.add(String(await resolver.references(text, place, path)));
  }
  passphrases.delete(UNRESOLVED);
  const unreadable = resolver.problems.list.map(problemText).map(context.secrets.redact);
  return { identities, passphrases: [...passphrases], ...(unreadable.length === 0 ? {} : { unreadable }) };
}

/** The identities of a key of the configuration; none when it has none, or when a problem was told. */
export async function configuredIdentities(name: string, resolver: Resolver): Promise<string[]> {
  const { file, secrets } = resolver.context;
  const written = file?.keys[name]?.identity;
  if (file === undefined || written === undefined) return [];
  const path = ["keys", name, "identity"];
  const text = String(await resolver.references(written, file.problem, path));
  if (text === UNRESOLVED) return [];
  try {
    return await identitiesIn(text, "the text", secrets);
  } catch (error) {
    resolver.problems.add(file.problem(path, toVaultraError(error).message));
    return [];
  }
}
