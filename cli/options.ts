import type { Command, OptionValues } from "@commander-js/extra-typings";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";

/** The argument of a command about one backup. */
export const BACKUP = ["<backup>", "its id, the beginning of one, or `latest`"] as const;

/** Where backups are looked for. */
export const STORE = ["--store <address>", "a store of the configuration, a URL or a folder"] as const;
/** Whose backups are looked at. */
export const JOB = ["--job <job>", "only among this job's backups"] as const;

/** Which objects are chosen, and which are not. */
export const ONLY = ["--only <pattern>", "only these objects (repeatable)", collect] as const;
/** Which objects are left out of those. */
export const EXCLUDE = ["--exclude <pattern>", "not these objects (repeatable)", collect] as const;

/** For commands that can tell first what they will do. */
export const DRY_RUN = ["--dry-run", "say what would be done, and do nothing"] as const;
/** For commands that ask before they change anything. */
export const YES = ["--yes", "answer yes to every question"] as const;

/** What a restore does with what is in its place. */
export function ifExists() {
  return new Option("--if-exists <what>", "what to do with what is there").choices([
    "fail",
    "replace",
    "append",
  ]);
}

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
