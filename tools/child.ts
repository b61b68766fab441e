/**
 * What every tool needs to start other programs: where the project is, the environment that lets Deno read npm
 * packages behind a company's certificate, and plain output.
 *
 * The tools import nothing from npm, so that `deno run -A tools/test.ts` starts before any package can be read.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { writeSync } from "node:fs";

/** The project's folder, as a path without a trailing separator. */
export const projectFolder = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

/**
 * Certificates of the machine count besides Mozilla's. Deno 2.7 reads this variable when it starts and nowhere else
 * (neither deno.json nor a task can set it), which is why the tools do their work in child processes.
 */
const certificates = { DENO_TLS_CA_STORE: "mozilla,system" };

/** How a child process ended, and what it wrote to stdout when that was captured. */
export interface ChildResult {
  readonly code: number;
  /** Whatever it wrote to stdout; empty unless `stdout` was `"captured"` or `"both"`. */
  readonly output: string;
}

/** Options of {@linkcode runChild}. */
export interface ChildOptions {
  /** Working folder; the project's folder unless set. */
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** `"shown"` streams to our stdout, `"captured"` keeps it, `"both"` does both. Default `"shown"`. */
  readonly stdout?: "shown" | "captured" | "both";
  /** Milliseconds after which the child is ended; no limit unless set. */
  readonly deadline?: number;
}

/**
 * Runs a program to its end with an empty stdin and our stderr.
 *
 * @throws {Deno.errors.NotFound} when there is no such program
 */
export async function runChild(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<ChildResult> {
  const how = options.stdout ?? "shown";
  const child = new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd ?? projectFolder,
    env: { ...certificates, ...options.env },
    stdin: "null",
    stdout: how === "shown" ? "inherit" : "piped",
    stderr: "inherit",
  }).spawn();
  const reader = how === "shown" ? undefined : child.stdout.getReader();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const timer = options.deadline === undefined ? undefined : setTimeout(() => {
    if (!ended) child.kill("SIGKILL");
    // A program that the child started may hold the pipe open after the child's end.
    void reader?.cancel();
  }, options.deadline);
  try {
    const decoder = new TextDecoder();
    let output = "";
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      if (how === "both") writeFully(part.value);
      output += decoder.decode(part.value, { stream: true });
    }
    return { code: (await status).code, output };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the Deno that runs this tool. */
export function runDeno(args: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  return runChild(Deno.execPath(), args, options);
}

/** Writes one line to stdout. */
export function say(line = ""): void {
  writeFully(new TextEncoder().encode(`${line}\n`));
}

/** Runs a tool's work; a failure ends it with one sentence on stderr and exit code 1. */
export async function runTool(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
    Deno.exit(1);
  }
}

function writeFully(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}
