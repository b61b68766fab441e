import tab from "@bomb.sh/tab/commander";
import type { Program } from "./program.ts";

/**
 * Adds `vaultra completions SHELL`, which prints a shell's script, and the hidden `vaultra complete -- …`, which
 * that script calls. Must be added last: it describes the commands that are there.
 */
export function addCompletions(program: Program): void {
  // The adapter is typed for commander's plain Command; ours infers its options' types on top of it.
  tab(program.root as never, { completionCommandName: "completions" });
  program.root.commands.find((command) => command.name() === "completions")!
    .description("print a completion script for a shell");
}
