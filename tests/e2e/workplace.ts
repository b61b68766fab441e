/**
 * A folder of its own in which a test works with Vaultra as a person would.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildSample, type SampleOptions } from "../fakes/sqlite_sample.ts";
import { type Outcome, outcome, run, type RunOptions, start, type Vaultra, vaultras } from "./run_vaultra.ts";

/** Programs that start another one with other rights: `["unshare", "--mount"]`. */
export type Prefix = readonly string[];

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

/** Nothing is denied to root unless it gives these two capabilities up. */
export const humble: Prefix = isRoot ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : ["env"];

/** A file system of its own on a folder, of which the process alone knows; its files are listed when it ends. */
export const smallDisk = (folder: string, size: string): Prefix => [
  ...["unshare", "--mount", ...(isRoot ? [] : ["--map-root-user"]), "bash", "-c"],
  `mount -t tmpfs -o size=${size} tmpfs "$0"; "$@"; code=$?; find "$0" -type f -printf '%P\\n' > "$0.files"; exit $code`,
  folder,
];

/** A temporary folder, with all that the runs in it may find of a home. */
export class Workplace implements AsyncDisposable {
  readonly vaultra: Vaultra;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;

  private constructor(vaultra: Vaultra, folder: string) {
    this.vaultra = vaultra;
    this.folder = folder;
    this.environment = { XDG_CONFIG_HOME: this.path("config"), XDG_STATE_HOME: this.path("state") };
  }

  static async open(vaultra: Vaultra): Promise<Workplace> {
    return new Workplace(vaultra, await Deno.realPath(await Deno.makeTempDir({ prefix: "vaultra-e2e-" })));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs Vaultra here. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await run(this.vaultra, args, this.#options(options));
  }

  /** Runs Vaultra here, which must end with 0; returns its standard output. */
  async ok(...args: string[]): Promise<string> {
    const done = await this.run(args);
    assert.equal(done.code, 0, `vaultra ${args.join(" ")}\n${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** Runs Vaultra here, which must end with this code as a failure should; returns what it said. */
  async fails(code: number, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const done = await this.run(args, options);
    assertFailure(done, code, `vaultra ${args.join(" ")}`);
    return done;
  }

  /** Starts Vaultra here. */
  start(args: readonly string[], options: RunOptions = {}): Deno.ChildProcess {
    return start(this.vaultra, args, this.#options(options));
  }

  /** This workplace, in which Vaultra is started by other programs. */
  with(...prefix: Prefix): Workplace {
    const { command, args } = this.vaultra;
    const [program, ...rest] = prefix;
    const vaultra = { ...this.vaultra, command: program!, args: [...rest, command, ...args] };
    return new Workplace(vaultra, this.folder);
  }

  /** Runs a line of bash here, which must end with 0; returns its standard output. */
  async bash(line: string): Promise<string> {
    const child = new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", line],
      cwd: this.folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { code, stdout, stderr } = await outcome(child);
    assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Makes a database with odd features. */
  sample(name: string, options: SampleOptions = { rows: 300 }): void {
    buildSample(this.path(name), options);
  }

  /** Whether two databases hold the same, as sqlite3 tells it. */
  async sameDump(one: string, other: string): Promise<void> {
    await this.bash(`cmp <(sqlite3 '${one}' .dump) <(sqlite3 '${other}' .dump)`);
  }

  /** Every file below a folder, with its size; to be compared with another look. */
  async files(folder = "."): Promise<string[]> {
    return (await this.bash(`[ ! -e '${folder}' ] || find '${folder}' -type f -printf '%P %s\\n' | sort`))
      .split(
        "\n",
      ).filter((line) => line !== "");
  }

  /** The archives in a store. */
  async archives(store = "backups"): Promise<string[]> {
    return (await this.files(store)).map((line) => line.split(" ")[0]!).filter((name) =>
      name.includes(".tar")
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  #options(options: RunOptions): RunOptions {
    return { cwd: this.folder, ...options, env: { ...this.environment, ...options.env } };
  }
}

/** Defines a test for every way to start Vaultra. */
export function testEach(name: string, test: (place: Workplace) => Promise<void>): void {
  for (const vaultra of vaultras()) testWith(vaultra, name, test);
}

/**
 * Defines a test for one way to start Vaultra: the executable where it is tested, else the sources. For what takes long
 * and does not depend on the way; both are tried, as the project is tested on two versions of Deno.
 */
export function testOnce(name: string, test: (place: Workplace) => Promise<void>): void {
  testWith(vaultras().at(-1)!, name, test);
}

function testWith(vaultra: Vaultra, name: string, test: (place: Workplace) => Promise<void>): void {
  Deno.test(`${name} (${vaultra.name})`, async () => {
    await using place = await Workplace.open(vaultra);
    await test(place);
  });
}

/** Does something for each item, two at a time: a run that ends early has done little but start, on one core. */
export async function inPairs<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < items.length; at += 2) {
    await Promise.all(items.slice(at, at + 2).map((item, offset) => work(item, at + offset)));
  }
}

/** A failure says one sentence and what to do, shows no stack, and ends with its code. */
export function assertFailure({ code, stdout, stderr }: Outcome, expected: number, what: string): void {
  const said = `${what}\n${stdout}${stderr}`;
  assert.equal(code, expected, said);
  assert.match(stderr, /^error: \S.*\n {2}\S.*/m, said);
  assert.equal(stderr.match(/^error: /gm)?.length, 1, said);
  assert.doesNotMatch(
    stderr + stdout,
    /^\s+at |\bfile:\/\/\/\S+\.ts\b|node_modules|\[object |undefined/m,
    said,
  );
}

/** Every line of text as JSON. */
// deno-lint-ignore no-explicit-any -- documents of many shapes, each looked into by its test
export function jsonLines(text: string): any[] {
  assert.ok(text === "" || text.endsWith("\n"), text);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
