/**
 * What the command line's parser refuses, in this program's words.
 *
 * @module
 */
import type { CommanderError } from "commander";
import { VaultraError } from "../core/errors.ts";

/** Whether the parser stopped because it showed help or the version, not because of an error. */
export function isHelp(error: CommanderError): boolean {
  return error.exitCode === 0 || error.code === "commander.help";
}

/**
 * An error of the parser as one sentence and what to do.
 * @param command The command that was meant, if one was.
 */
export function usageError(error: CommanderError, command?: string): VaultraError {
  const [, sentence = "", suggestion] =
    /^(?:error: )?(.*?)(?:\n\(Did you mean (.*)\?\))?$/s.exec(error.message) ?? [];
  const value =
    /^(?:option '(?:-., )?(--[\w-]+).*?'|command-argument value) (?:value |argument )?'(.*)' is invalid(?: for argument '(.*?)')?\. (.*)$/s
      .exec(sentence);
  if (value) {
    const [, option, given, argument, allowed = ""] = value;
    return new VaultraError(
      "usage.arguments",
      `${option ?? argument}: ${JSON.stringify(given)} is not allowed`,
      {
        hint: allowed,
      },
    );
  }
  const plain = sentence.replace(/'([^']*)'/g, '"$1"').replace(/\.$/, "");
  return new VaultraError("usage.arguments", plain.charAt(0).toUpperCase() + plain.slice(1), {
    hint: suggestion === undefined
      ? `See: vaultra ${command === undefined ? "" : `${command} `}--help`
      : `Did you mean ${suggestion}?`,
  });
}
