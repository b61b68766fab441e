import assert from "node:assert/strict";
import { run } from "./run_vaultra.ts";
import type { Workplace } from "./workplace.ts";

/**
 * Runs its arguments on a terminal of 100 columns, and types answers where their questions show; prints what that showed and
 * ends with their exit code.
 */
const terminal = `
import fcntl, json, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
answers = json.loads(sys.argv[1])
shown = b""
while True:
    try:
        block = os.read(master, 65536)
    except OSError:
        break
    if not block: break
    shown += block
    if answers and answers[0][0].encode() in shown:
        os.write(master, answers.pop(0)[1].encode())
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** How a person sits at the terminal. */
export interface WatchOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Part of a question, and what is typed then, in their order. */
  readonly answers?: readonly (readonly [string, string])[];
}

/** Runs Vaultra as a person sees it, who types something when asked. Escapes are shown as "␛". */
export async function watch(place: Workplace, args: string[], { env = {}, answers = [] }: WatchOptions = {}) {
  const { command, args: before } = place.vaultra;
  const python = {
    name: "python3",
    command: "python3",
    args: ["-c", terminal, JSON.stringify(answers), command, ...before],
  };
  const options = { cwd: place.folder, env: { ...place.environment, TERM: "xterm", ...env } };
  const { code, stdout, stderr } = await run(python, args, options);
  assert.equal(stderr, "");
  return { code, stdout: stdout.replaceAll("\x1b", "␛") };
}
