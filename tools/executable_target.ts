/**
 * Tells for which system and processor an executable file was made, by its header.
 *
 * @module
 */

/** The targets of `deno compile` that releases are made for, by the names that Deno gives them. */
export const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** One of {@linkcode targets}. */
export type Target = typeof targets[number];

/** How many bytes of a file {@linkcode executableTarget} looks at. */
export const headerLength = 4096;

/** The machine that this program runs on, as a target. */
export function hostTarget(): Target | undefined {
  return targets.find((target) => target === Deno.build.target);
}

/**
 * Reads the target from the first {@linkcode headerLength} bytes of an executable, `undefined` when they are of no
 * known kind. Numbers from the System V ABI (`e_machine`), `mach/machine.h` (`cputype`) and the PE format
 * (`IMAGE_FILE_HEADER.Machine`).
 */
export function executableTarget(header: Uint8Array): Target | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.byteLength < 64) return undefined;
  if (view.getUint32(0) === 0x7f454c46) {
    const machine = view.getUint16(18, true);
    return machine === 62
      ? "x86_64-unknown-linux-gnu"
      : machine === 183
      ? "aarch64-unknown-linux-gnu"
      : undefined;
  }
  if (view.getUint32(0, true) === 0xfeedfacf) {
    const machine = view.getUint32(4, true);
    return machine === 0x01000007
      ? "x86_64-apple-darwin"
      : machine === 0x0100000c
      ? "aarch64-apple-darwin"
      : undefined;
  }
  if (view.getUint16(0) === 0x4d5a) {
    const start = view.getUint32(0x3c, true);
    if (start + 6 > view.byteLength || view.getUint32(start) !== 0x50450000) return undefined;
    return view.getUint16(start + 4, true) === 0x8664 ? "x86_64-pc-windows-msvc" : undefined;
  }
  return undefined;
}

/** Reads the target of the executable file at `path`. */
export async function fileTarget(path: string): Promise<Target | undefined> {
  using file = await Deno.open(path);
  const header = new Uint8Array(headerLength);
  let length = 0;
  while (length < headerLength) {
    const read = await file.read(header.subarray(length));
    if (read === null) break;
    length += read;
  }
  return executableTarget(header.subarray(0, length));
}
