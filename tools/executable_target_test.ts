import { equal } from "node:assert/strict";
import { executableTarget, fileTarget, hostTarget } from "./executable_target.ts";

function header(write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(256);
  write(new DataView(bytes.buffer));
  return bytes;
}

function elf(machine: number): Uint8Array {
  return header((view) => {
    view.setUint32(0, 0x7f454c46);
    view.setUint16(18, machine, true);
  });
}

function machO(processor: number): Uint8Array {
  return header((view) => {
    view.setUint32(0, 0xfeedfacf, true);
    view.setUint32(4, processor, true);
  });
}

function pe(machine: number, start = 128): Uint8Array {
  return header((view) => {
    view.setUint16(0, 0x4d5a);
    view.setUint32(0x3c, start, true);
    view.setUint32(128, 0x50450000);
    view.setUint16(132, machine, true);
  });
}

Deno.test("executableTarget() knows the machine of ELF, Mach-O and PE files", () => {
  equal(executableTarget(elf(62)), "x86_64-unknown-linux-gnu");
  equal(executableTarget(elf(183)), "aarch64-unknown-linux-gnu");
  equal(executableTarget(machO(0x01000007)), "x86_64-apple-darwin");
  equal(executableTarget(machO(0x0100000c)), "aarch64-apple-darwin");
  equal(executableTarget(pe(0x8664)), "x86_64-pc-windows-msvc");
});

Deno.test("executableTarget() refuses other machines and other files", () => {
  for (
    const bytes of [
      elf(40),
      machO(12),
      pe(0x014c),
      pe(0x8664, 252),
      pe(0x8664, 0xffffffff),
      new Uint8Array(256),
      new Uint8Array(3),
    ]
  ) {
    equal(executableTarget(bytes), undefined);
  }
});

Deno.test("fileTarget() of the running Deno is this machine", async () => {
  equal(await fileTarget(Deno.execPath()), hostTarget());
});
