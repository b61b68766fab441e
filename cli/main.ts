/**
 * The command line from arguments to exit code.
 *
 * @module
 */
import { CommanderError } from "commander";
import { exitCodes, toVaultraError, VaultraError } from "../core/errors.ts";
import { surroundings } from "../core/events.ts";
import { WorkerHost } from "../plugins/host/host.ts";
import { builtin } from "../plugins/builtin.ts";
import { joinedCode } from "./exit_code.ts";
import { createProgram } from "./program.ts";
import { processInput, processOutput, processSignal } from "./process.ts";
import { Session } from "./session.ts";
import { commandOf, isHelp, usageError } from "./usage_error.ts";

/**
 * Runs one command of the real process.
 * @returns The exit code, as docs/cli.md lists them.
 */
export async function main(args: readonly string[]): Promise<number> {
  const context = {
    registry: builtin,
    host: new WorkerHost(),
    signal: processSignal(),
    env: Deno.env.toObject(),
    surroundings,
    stdin: processInput(),
    interactive: Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
    stdout: processOutput(Deno.stdout),
    stderr: processOutput(Deno.stderr),
    monotonic: () => performance.now(),
  };
  let session: Session | undefined;
  let code = 0;
  const program = createProgram(context, async (options, action) => {
    session = new Session(context, options);
    await session.start();
    const done = await action(session);
    code = joinedCode(done, session.warnings > 0 ? exitCodes.warning : 0);
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError && isHelp(thrown)) {
      return thrown.exitCode === 0 ? 0 : exitCodes.usage;
    }
    const error = thrown instanceof CommanderError
      ? usageError(thrown, commandOf(program, args))
      : failure(thrown, context.signal);
    (session ?? new Session(context, program.opts())).fail(error);
    return error.exitCode;
  } finally {
    session?.end();
  }
  return code;
}

/** The error to tell: an interruption wins over whatever broke because of it. */
function failure(thrown: unknown, signal: AbortSignal): VaultraError {
  if (signal.aborted && signal.reason instanceof VaultraError) return signal.reason;
  return toVaultraError(thrown);
}
