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

/** A command of the tree, as far as it is looked for. */
interface Tree {
  readonly commands: readonly (Tree & { name(): string })[];
}

/** The command that arguments name, with its sub-command: `key rotate`. */
export function commandOf(program: Tree, args: readonly string[]): string {
  for (const [at, word] of args.entries()) {
    const child = program.commands.find((command) => command.name() === word);
    if (child !== undefined) return `${word} ${commandOf(child, args.slice(at + 1))}`.trimEnd();
  }
  return "";
}

/**
 * An error of the parser as one sentence and what to do.
 * @param command The command that was meant, such as `key rotate`; empty when it is not known.
 */
export function usageError(error: CommanderError, command: string): VaultraError {
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
      ? `See: vaultra ${command === "" ? "" : `${command} `}--help`
      : `Did you mean ${suggestion}?`,
  });
}
