/**
 * What the tests need besides Deno. Each requirement is brought by the test command itself and tells the tests where
 * it is through environment variables. A server for tests is one more requirement.
 *
 * @module
 */
import { runChild } from "./child.ts";
import { compile } from "./compile.ts";
import { denoOfVersion, newestDeno, pinnedDeno } from "./deno_versions.ts";

/** Something that tests need and that may be missing on a machine. */
export interface Requirement {
  /** What is named when it cannot be had. */
  readonly name: string;
  /**
   * Installs what is missing and starts what must run; cheap when all is there.
   *
   * @throws {Error} a sentence that names what is missing
   */
  provide(): Promise<Provision>;
}

/** What a requirement hands to the tests. */
export interface Provision {
  /** Environment variables for the tests, all named `VAULTRA_TEST_…`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends what was started. */
  stop?(): Promise<void>;
}

/** Programs that tests compare with or write beside, and the Debian package of each. */
const programs: Readonly<Record<string, string>> = {
  age: "age",
  "age-keygen": "age",
  gzip: "gzip",
  openssl: "openssl",
  python3: "python3",
  setpriv: "util-linux",
  sqlite3: "sqlite3",
  strace: "strace",
  tar: "tar",
  zstd: "zstd",
};

/** All requirements, in the order in which they are brought. */
export const requirements: readonly Requirement[] = [
  { name: `programs (${Object.keys(programs).join(", ")})`, provide: providePrograms },
  denoRequirement("VAULTRA_TEST_DENO_27", pinnedDeno),
  denoRequirement("VAULTRA_TEST_DENO_29", newestDeno),
  {
    name: "the executable",
    provide: async () => ({ environment: { VAULTRA_TEST_BINARY: await compile() } }),
  },
];

function denoRequirement(variable: string, version: string): Requirement {
  return {
    name: `Deno ${version}`,
    provide: async () => ({ environment: { [variable]: await denoOfVersion(version) } }),
  };
}

async function providePrograms(): Promise<Provision> {
  const missing = await missingPrograms();
  if (missing.length > 0 && Deno.build.os === "linux" && Deno.uid() === 0 && await runs("apt-get")) {
    const packages = new Set(missing.map((program) => programs[program] ?? program));
    await aptGet("update");
    await aptGet("install", "-y", "--no-install-recommends", ...packages);
  }
  const still = await missingPrograms();
  if (still.length > 0) throw new Error(`Install ${still.join(", ")}: the tests use these programs`);
  return { environment: {} };
}

async function aptGet(...args: string[]): Promise<void> {
  await runChild("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

async function missingPrograms(): Promise<string[]> {
  const found = await Promise.all(
    Object.keys(programs).map(async (program) => ({ program, there: await runs(program) })),
  );
  return found.filter(({ there }) => !there).map(({ program }) => program);
}

/** Whether a program can be started; that it knows `--version` does not matter. */
async function runs(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
