import { codecNamed } from "./codecs.ts";
import type { ArchiveHeader, Compression } from "./format.ts";

/** The commands that print an archive's tar, by the archive's name. */
const openers: { readonly [Name in Compression]: (archive: string) => string } = {
  zstd: (archive) => `zstd -dc ${archive} | tar -xf -`,
  gzip: (archive) => `gzip -dc ${archive} | tar -xf -`,
  none: (archive) => `tar -xf ${archive}`,
};

/**
 * RESTORE.md: how this one backup becomes a database again without Vaultra. Every command stands in a fenced `sh`
 * block and runs in the folder that holds the archive.
 *
 * @param instructions The adapter's part, for the unpacked files.
 */
export function restoreInstructions(
  header: ArchiveHeader,
  compression: Compression,
  instructions: string,
): string {
  const archive = `${header.id}${codecNamed(compression).extension}`;
  return `# Backup ${header.id}

A ${header.type} backup of job \`${header.job}\` (${header.engine}), started ${header.started}. Vaultra restores it with
\`vaultra restore\`; these commands do the same with standard tools alone. Run them in an empty folder that holds \`${archive}\`.

## 1. Unpack

\`\`\`sh
${openers[compression](archive)}
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
