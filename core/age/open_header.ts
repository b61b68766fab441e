import type { Identity } from "age-encryption";
import { VaultraError } from "../errors.ts";
import type { Keyring } from "../operation.ts";
import type { Bytes } from "../streams/bytes.ts";
import { type AgeHeader, damagedHeader, isHeaderOf } from "./header.ts";
import { checkScrypt, passphraseIdentity } from "./passphrase.ts";
import { recipientFingerprint, recipientOf } from "./recipients.ts";

/** What is known of an archive beside its header. */
export interface OpenHeaderOptions {
  /** Whom its record says it is encrypted to, as fingerprints. */
  readonly recipients?: readonly string[] | undefined;
  /** Headers that wrap its file key for others. Asked for when the archive's own does not open. */
  readonly others?: (() => Promise<readonly AgeHeader[]>) | undefined;
}

/**
 * The file key of an archive, by its own header or another one that wraps it. A person is asked for a passphrase only
 * when nothing that was given opens one of them.
 * @throws {VaultraError} `key.missing`, `key.wrong-identity`, `key.wrong-passphrase`, `key.work-factor`, `key.bad-identity`;
 * `damaged.age-header` when the header was changed, which also shows in an identity that the record names and that opens nothing
 */
export async function openHeader(
  own: AgeHeader,
  keys: Keyring,
  { recipients = [], others = () => Promise.resolve([]) }: OpenHeaderOptions = {},
): Promise<Bytes> {
  // Checked one by one, because the library's errors would quote them.
  const ownRecipients = await Promise.all(keys.identities.map(recipientOf));
  const fileKey = await openWith(own, keys);
  if (fileKey !== null) return fileKey;
  const headers = [own, ...await others()];
  for (const header of headers.slice(1)) {
    const found = await openWith(header, keys);
    if (found !== null) return checked(own, found);
  }
  const ofPassphrase = headers.filter(({ stanzas }) => checkScrypt(stanzas));
  if (ofPassphrase.length > 0 && keys.ask !== undefined) {
    const passphrases = [await keys.ask()];
    for (const header of ofPassphrase) {
      const found = await openWith(header, { identities: [], passphrases });
      if (found !== null) return checked(own, found);
    }
    throw wrongPassphrase();
  }
  throw unopened(keys, headers, recipients, ownRecipients.map(recipientFingerprint));
}

/** Headers are told apart by file keys alone: one that was put beside another archive must not open it. */
function checked(own: AgeHeader, fileKey: Bytes): Bytes {
  if (!isHeaderOf(own, fileKey)) throw damagedHeader("it is not of the key that its other headers wrap");
  return fileKey;
}

/** The file key, or `null` when nothing that was given opens the header. */
async function openWith(header: AgeHeader, { identities, passphrases }: Keyring): Promise<Bytes | null> {
  const { Decrypter } = await import("age-encryption");
  const fitting: readonly (string | Identity)[] = checkScrypt(header.stanzas)
    ? passphrases.map(passphraseIdentity)
    : identities;
  const decrypter = new Decrypter();
  for (const identity of fitting) decrypter.addIdentity(identity);
  let isOpened = true;
  // Identities are tried in their order: when this one is, none before it opened the header.
  decrypter.addIdentity({
    unwrapFileKey() {
      isOpened = false;
      return null;
    },
  });
  try {
    return new Uint8Array(await decrypter.decryptHeader(header.bytes));
  } catch (error) {
    if (!isOpened) return null;
    // Any other failure is a stanza that is malformed, or a MAC that is not of the key that was found.
    throw error instanceof VaultraError ? error : damagedHeader("its parts do not fit each other", error);
  }
}

/** Why nothing that was given opens any of the headers. */
function unopened(
  { identities, passphrases, unreadable = [] }: Keyring,
  headers: readonly AgeHeader[],
  recipients: readonly string[],
  given: readonly string[],
): VaultraError {
  if (given.some((fingerprint) => recipients.includes(fingerprint))) {
    return damagedHeader("the identity that its record names does not open it");
  }
  const byPassphrase = headers.some(({ stanzas }) => checkScrypt(stanzas));
  const byIdentity = headers.some(({ stanzas }) => !checkScrypt(stanzas));
  if (byPassphrase && passphrases.length > 0) return wrongPassphrase();
  const wanted = recipients.length === 0 ? "" : ` It is encrypted to ${recipients.join(", ")}.`;
  const lacking = unreadable.map((why) => `\nNot used: ${why}.`).join("");
  if (byIdentity && identities.length > 0) {
    return new VaultraError(
      "key.wrong-identity",
      "None of the identities that were given opens the archive",
      {
        hint: `Give the identity file of one of its recipients with --identity-file.${wanted}${lacking}`,
        details: { recipients, given },
      },
    );
  }
  const what = byPassphrase ? "a passphrase" : "an identity";
  return new VaultraError(
    "key.missing",
    `The archive is encrypted, and ${what} that opens it was not given`,
    {
      hint: byPassphrase
        ? `Give the passphrase's file with --passphrase-file, or run the command at a terminal.${lacking}`
        : `Give an identity file with --identity-file.${wanted}${lacking}`,
      details: { recipients },
    },
  );
}

function wrongPassphrase(): VaultraError {
  return new VaultraError("key.wrong-passphrase", "The passphrase does not open the archive", {
    hint: "Type it again. If it is surely the right one, the archive's header is damaged: use another copy.",
  });
}
