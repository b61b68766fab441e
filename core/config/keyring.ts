/**
 * What opens encrypted archives and whose signatures count, from flags, environment and configuration.
 *
 * @module
 */
import type { Keyring } from "../operation.ts";
import { identitiesIn, readKeyFile, readPassphraseFile } from "./key_file.ts";
import type { ResolveContext } from "./resolver.ts";

/** The flags that name key files. */
export interface KeyFlags {
  readonly identityFile?: readonly string[] | undefined;
  readonly passphraseFile?: string | undefined;
}

/**
 * What opens archives: the files that flags name, else those that `VAULTRA_IDENTITY_FILE` and
 * `VAULTRA_PASSPHRASE_FILE` name.
 *
 * @param warn Is told what a person should know, in sentences.
 * @throws {VaultraError} `config.key-file`, `config.identity`, `config.passphrase`
 */
export async function resolveKeyring(
  { environment, secrets }: ResolveContext,
  flags: KeyFlags,
  warn: (message: string) => void,
): Promise<Keyring> {
  const { identityFile, passphraseFile } = namedFiles(flags, environment);
  const identities: string[] = [];
  for (const path of identityFile) {
    const text = await readKeyFile(path, "identity file", warn);
    identities.push(...identitiesIn(text, `The identity file "${path}"`, secrets));
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
