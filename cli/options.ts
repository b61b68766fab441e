import type { Command, OptionValues } from "@commander-js/extra-typings";
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** What a command that opens backups takes besides its own options. */
export interface KeyOptions {
  readonly identityFile?: readonly string[] | undefined;
  readonly passphraseFile?: string | undefined;
}

/** Adds the options with which encrypted backups are opened; `Workspace.open` reads them. */
export function addKeyOptions<Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) {
  return command
    .option("--identity-file <file>", "a file of age identities that open the backup (repeatable)", collect)
    .option("--passphrase-file <file>", "a file that holds the backup's passphrase");
}

/** Collects a repeatable option's values. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** A whole number from 1 up. */
export function positiveInteger(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError("It must be a whole number from 1 up.");
  }
  return number;
}
