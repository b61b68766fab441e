import { recipientFingerprint } from "../age/recipients.ts";
import type { Encryption } from "../config/job.ts";
import { codecNamed } from "./codecs.ts";
import type { ArchiveHeader, Compression } from "./format.ts";

/** The commands that make a tar of what they read, if that is none yet. */
const decompressors: { readonly [Name in Compression]: string | undefined } = {
  zstd: "zstd -dc",
  gzip: "gzip -dc",
  none: undefined,
};

/** The command that unpacks an archive: from its name, or what each program hands to the next one. */
function unpackCommand(
  archive: string,
  compression: Compression,
  encryption: Encryption | undefined,
): string {
  const decrypt = encryption?.recipients === undefined ? "age -d" : "age -d -i KEYFILE";
  const readers = [encryption === undefined ? undefined : decrypt, decompressors[compression]];
  const [first, ...others] = readers.filter((reader) => reader !== undefined);
  return first === undefined
    ? `tar -xf ${archive}`
    : [`${first} ${archive}`, ...others, "tar -xf -"].join(" | ");
}

/** How the archive is decrypted, in words. */
function aboutKeys({ recipients }: Encryption): string {
  const how = recipients === undefined
    ? "with a passphrase, for which `age` asks"
    : `to ${
      recipients.map((recipient) => `\`${recipientFingerprint(recipient)}\``).join(", ")
    } (the first 16 hexadecimal digits of the SHA-256 of
each recipient's text). \`KEYFILE\` stands for the file that holds the identity of one of them`;
  return `The archive is encrypted with age (https://age-encryption.org) ${how}.\n\n`;
}

/**
 * RESTORE.md: how this one backup becomes a database again without Vaultra. Every command stands in a fenced `sh`
 * block and runs in the folder that holds the archive.
 *
 * @param instructions The adapter's part, for the unpacked files.
 */
export function restoreInstructions(
  header: ArchiveHeader,
  compression: Compression,
  encryption: Encryption | undefined,
  instructions: string,
): string {
  const archive = `${header.id}${codecNamed(compression).extension}${encryption === undefined ? "" : ".age"}`;
  return `# Backup ${header.id}

A ${header.type} backup of job \`${header.job}\` (${header.engine}), started ${header.started}. Vaultra restores it with
\`vaultra restore\`; these commands do the same with standard tools alone. Run them in an empty folder that holds \`${archive}\`.

## 1. Unpack

${encryption === undefined ? "" : aboutKeys(encryption)}\`\`\`sh
${unpackCommand(archive, compression, encryption)}
\`\`\`

GNU tar may warn of unknown extended header keywords \`VAULTRA.…\`. They hold true names and hashes that it does not need;
\`--warning=no-unknown-keyword\` silences it.

## 2. Restore

${instructions.trim()}

## 3. Check

The archive's SHA-256 stands in its record, \`${header.id}.json\` beside the archive in the store, under \`archive.sha256\`:

\`\`\`sh
sha256sum ${archive}
\`\`\`

\`index/\` holds one line for every unpacked file in \`schema/\`, \`data/\`, \`pages/\` and \`schema-after/\`, with its SHA-256;
\`manifest.json\` holds the true name, the rows and the proof of every object.
`;
}
