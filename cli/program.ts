/**
 * The tree of commands.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { VERSION } from "../core/version.ts";
import type { CliContext } from "./context.ts";
import { logLevels } from "./output/logs.ts";
import type { GlobalOptions, Session } from "./session.ts";
import { addBackup } from "./commands/backup.ts";
import { addCat } from "./commands/cat.ts";
import { addCompletions } from "./completions.ts";
import { addConfig } from "./commands/config.ts";
import { addCopy } from "./commands/copy.ts";
import { addDelete } from "./commands/delete.ts";
import { addDiff } from "./commands/diff.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addHelp } from "./commands/help.ts";
import { addKey } from "./commands/key.ts";
import { addList } from "./commands/list.ts";
import { addPin } from "./commands/pin.ts";
import { addRestore } from "./commands/restore.ts";
import { addSalvage } from "./commands/salvage.ts";
import { addShow } from "./commands/show.ts";
import { addUnlock } from "./commands/unlock.ts";
import { addVerify } from "./commands/verify.ts";

/** Runs a command's action inside a session; the action returns the exit code. */
export type Run = (action: (session: Session) => Promise<number>) => Promise<void>;

/** What a command module adds itself to. */
export interface Program {
  /** Creates a sub-command. */
  command(name: string, summary: string): Command;
  readonly root: Command;
  readonly context: CliContext;
  readonly run: Run;
}

const footer = `
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done with a warning, 10 database, 11 store, 12 locked,
13 archive damaged, 14 key, 15 differences found, 16 kept by a pin or a child, 17 target not empty, 18 no such backup,
19 not signed by whom you trust, 130 interrupted, 143 terminated.
`;

/**
 * Builds the command tree. Errors of usage are thrown as `CommanderError` and not written.
 * @param run Is given the options that every command takes.
 */
export function createProgram(
  context: CliContext,
  run: (options: GlobalOptions, ...rest: Parameters<Run>) => ReturnType<Run>,
): Command {
  const root = new Command("vaultra")
    .description("Backs up and restores databases, and proves that it can.")
    .version(VERSION, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .addHelpText("after", footer)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.text(text),
      writeErr: (text) => context.stderr.text(text),
      outputError: () => {},
      getOutHelpWidth: () => context.stdout.columns(),
      getErrHelpWidth: () => context.stderr.columns(),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  const command = (name: string, summary: string): Command => {
    const child = new Command(name).description(summary).copyInheritedSettings(root) as Command;
    root.addCommand(child);
    return child;
  };
  const program: Program = { command, root, context, run: (action) => run(root.opts(), action) };
  for (
    const add of [
      addBackup,
      addRestore,
      addSalvage,
      addList,
      addShow,
      addCat,
      addDiff,
      addVerify,
      addCopy,
      addPin,
      addDelete,
      addUnlock,
      addKey,
      addDoctor,
      addConfig,
      addHelp,
    ]
  ) add(program);
  // The root takes them wherever they stand, before the command's name too; the commands have them for help and
  // completion, after their own.
  for (const option of globalOptions()) root.addOption(option);
  for (const child of root.commands) addEverywhere(child as Command);
  addCompletions(program);
  return root;
}

function addEverywhere(command: Command): void {
  for (const option of globalOptions()) command.addOption(option);
  for (const child of command.commands) addEverywhere(child as Command);
}

/** The options that every command takes. */
function globalOptions(): Option[] {
  return [
    new Option("-c, --config <file>", "configuration file"),
    new Option("--json", "write JSON to standard output"),
    new Option("--log-level <level>", "what the log tells").choices(logLevels),
    new Option("--log-format <format>", "how the log is written").choices(["text", "json"]),
    new Option("--no-color", "no colours"),
    new Option("-q, --quiet", "only errors"),
  ].map((option) => option.helpGroup("Everywhere:"));
}
