/**
 * Questions to a person. Without a terminal there is nobody to ask: the answer must come by a flag.
 *
 * @module
 */
import { passphraseIn } from "../core/config/key_file.ts";
import type { Secrets } from "../core/config/secrets.ts";
import { VaultraError } from "../core/errors.ts";
import type { CliContext } from "./context.ts";

/** What a person must type before something is changed that can't be taken back. */
export interface Confirmation {
  readonly word: string;
  /** Names the word: "Type its name, shop, to go on". */
  readonly question: string;
  readonly title: string;
  /** What will be done, one line each. */
  readonly steps: readonly string[];
  /** The same in few words, for where nobody can be asked: `"shop" would be changed`. */
  readonly would: string;
  /** What another answer leaves undone: "Nothing was restored". */
  readonly undone: string;
}

/**
 * Asks a person to type a word before something is changed.
 * @throws {VaultraError} `usage.needs-yes` without a terminal; `interrupted` when the answer is another one.
 */
export async function confirmTyping(
  context: CliContext,
  { word, question, title, steps, would, undone }: Confirmation,
): Promise<void> {
  if (!context.interactive) {
    throw new VaultraError("usage.needs-yes", `${would}, and there is no terminal to ask`, {
      hint: "Say --yes to answer for a script.",
    });
  }
  const { isCancel, note, text } = await import("@clack/prompts");
  const output = (await import("node:process")).default.stderr;
  note(steps.join("\n"), title, { output });
  const answer = await text({ message: question, signal: context.signal, output });
  if (isCancel(answer) || answer !== word) {
    throw new VaultraError("interrupted.by-answer", `${undone}: "${word}" was not typed`, {
      hint: `All is as it was. Type "${word}" next time, or say --yes.`,
    });
  }
}

/**
 * Asks a person twice for the passphrase of a new backup.
 * @throws {VaultraError} `usage.needs-terminal`, `usage.passphrases-differ`, `interrupted.by-answer`, `config.passphrase`
 */
export async function askNewPassphrase(context: CliContext, secrets: Secrets): Promise<string> {
  if (!context.interactive) {
    throw new VaultraError("usage.needs-terminal", "There is no terminal to ask for a passphrase", {
      hint: "Name a file that holds it with --passphrase-file.",
    });
  }
  const passphrase = await askPassphrase(context, secrets, "Passphrase for the backup");
  if (passphrase === await askPassphrase(context, secrets, "The same passphrase again")) return passphrase;
  throw new VaultraError("usage.passphrases-differ", "The two passphrases differ", {
    hint: "Nothing was done; run the command again.",
  });
}

/**
 * Asks a person for a backup's passphrase; what is typed is not shown.
 * @throws {VaultraError} `interrupted.by-answer`, `config.passphrase`
 */
export async function askPassphrase(
  context: CliContext,
  secrets: Secrets,
  message = "Passphrase of the backup",
): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({
    message,
    signal: context.signal,
    output: (await import("node:process")).default.stderr,
  });
  if (isCancel(answer)) {
    throw new VaultraError("interrupted.by-answer", "No passphrase was typed", {
      hint: "Run the command again, or name a file that holds the passphrase with --passphrase-file.",
    });
  }
  return passphraseIn(answer ?? "", "The passphrase", secrets);
}
