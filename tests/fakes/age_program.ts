/**
 * The `age` program, as the tests' oracle.
 *
 * @module
 */
import type { Bytes } from "../../core/streams/bytes.ts";

/** A pair that age-keygen made. */
export interface AgePair {
  readonly identity: string;
  readonly recipient: string;
}

/** A new identity and its recipient. */
export async function ageKeygen(): Promise<AgePair> {
  const text = new TextDecoder().decode(await run("age-keygen", []));
  return {
    identity: /^AGE-SECRET-KEY-1\S+$/m.exec(text)![0],
    recipient: /^# public key: (\S+)$/m.exec(text)![1]!,
  };
}

/** What `age` writes for these recipients. */
export async function ageEncrypt(plain: Bytes, recipients: readonly string[]): Promise<Bytes> {
  return await run("age", ["-e", ...recipients.flatMap((recipient) => ["-r", recipient])], plain);
}

/** What `age` reads with that identity. */
export async function ageDecrypt(sealed: Bytes, identity: string): Promise<Bytes> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, `# a comment\n\n${identity}\n`);
    return await run("age", ["-d", "-i", file], sealed);
  } finally {
    await Deno.remove(file);
  }
}

/** Types a passphrase wherever a program asks for it on its terminal; its input and output are files. */
const typePassphrase = `
import os, pty, sys
passphrase, reader, writer = sys.argv[1:4]
pid, master = pty.fork()
if pid == 0:
    os.dup2(os.open(reader, os.O_RDONLY), 0)
    os.dup2(os.open(writer, os.O_WRONLY), 1)
    os.execvp(sys.argv[4], sys.argv[4:])
shown = b""
while True:
    try:
        block = os.read(master, 65536)
    except OSError:
        break
    if not block: break
    shown += block
    if b"assphrase" in shown and shown.rstrip().endswith(b":"):
        os.write(master, passphrase.encode() + b"\\n")
        shown = b""
sys.stderr.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** What `age` makes of the input, with a passphrase typed at its terminal: `-p` encrypts, `-d` decrypts. */
export async function agePassphrase(flag: "-p" | "-d", input: Bytes, passphrase: string): Promise<Bytes> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/in`, input);
    await Deno.writeFile(`${folder}/out`, new Uint8Array(0));
    await run("python3", ["-c", typePassphrase, passphrase, `${folder}/in`, `${folder}/out`, "age", flag]);
    return await Deno.readFile(`${folder}/out`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(
  command: string,
  args: readonly string[],
  input: Bytes = new Uint8Array(0),
): Promise<Bytes> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(input).then(() => writer.close()).catch(() => {});
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), written]);
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
