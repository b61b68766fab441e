import type { Command } from "@commander-js/extra-typings";
import { VaultraError } from "../../core/errors.ts";
import { nearest } from "../../core/text/nearest.ts";
import type { Program } from "../program.ts";

/** `vaultra help [COMMAND…]`. The parser's own help command takes whatever option it is given. */
export function addHelp({ root, command }: Program): void {
  command("help", "show help for a command")
    .argument("[command...]", "the command, such as `restore` or `key rotate`")
    .action((words) => named(root, words).outputHelp());
}

/** @throws {VaultraError} `usage.arguments` when there is no such command */
function named(root: Command, words: readonly string[]): Command {
  let found = root;
  for (const word of words) {
    const child = found.commands.find((each) => each.name() === word);
    if (child === undefined) {
      const meant = nearest(word, found.commands.map((each) => each.name()));
      throw new VaultraError("usage.arguments", `Unknown command "${word}"`, {
        hint: meant === undefined ? "See: vaultra --help" : `Did you mean ${meant}?`,
      });
    }
    found = child as Command;
  }
  return found;
}
