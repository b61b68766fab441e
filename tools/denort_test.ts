import { deepEqual, throws } from "node:assert/strict";
import { cutAfterSections } from "./denort.ts";

/** A header of ELF with two section headers behind it, and `appended` bytes that are not part of the image. */
function elf(appended: number, sections = 2): Uint8Array {
  const bytes = new Uint8Array(64 + 2 * 64 + appended).fill(7, 64);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x7f454c46);
  view.setUint16(4, 0x0201);
  view.setBigUint64(0x28, 64n, true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, sections, true);
  return bytes;
}

Deno.test("cutAfterSections() drops what was appended to the image", () => {
  deepEqual(cutAfterSections(elf(1000)), elf(0));
  deepEqual(cutAfterSections(elf(0)), elf(0));
});

Deno.test("cutAfterSections() refuses what is no whole ELF file", () => {
  throws(() => cutAfterSections(new Uint8Array(10)), /not a 64-bit little-endian ELF/);
  throws(() => cutAfterSections(new Uint8Array(1000)), /not a 64-bit little-endian ELF/);
  throws(() => cutAfterSections(elf(0, 3)), /its headers end at 256/);
});
