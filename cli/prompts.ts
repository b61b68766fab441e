/**
 * Questions to a person. Without a terminal there is nobody to ask: the answer must come by a flag.
 *
 * @module
 */
import { passphraseIn } from "../core/config/key_file.ts";
import type { Secrets } from "../core/config/secrets.ts";
import { VaultraError } from "../core/errors.ts";
import type { CliContext } from "./context.ts";

/**
 * Asks a person to type a name before something is overwritten.
 * @param steps What will be done, one line each.
 * @throws {VaultraError} `usage.needs-yes` without a terminal; `interrupted` when the answer is another one.
 */
export async function confirmTyping(
  context: CliContext,
  name: string,
  steps: readonly string[],
): Promise<void> {
  if (!context.interactive) {
    throw new VaultraError("usage.needs-yes", `"${name}" would be changed, and there is no terminal to ask`, {
      hint: "Say --yes to answer for a script.",
    });
  }
  const { isCancel, note, text } = await import("@clack/prompts");
  note(steps.join("\n"), "This will change a database that exists");
  const answer = await text({
    message: `Type its name, ${name}, to go on`,
    signal: context.signal,
    output: (await import("node:process")).default.stderr,
  });
  if (isCancel(answer) || answer !== name) {
    throw new VaultraError("interrupted.by-answer", "Nothing was restored: the name was not typed", {
      hint: `The target is as it was. Type "${name}" next time, or say --yes.`,
    });
  }
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
