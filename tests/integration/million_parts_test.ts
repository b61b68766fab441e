import assert from "node:assert/strict";

Deno.test("a million parts are written, and read, in less than 400 MB of memory", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const step of ["write", "read"]) {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        // V8 lets short-lived objects gather in up to 48 MB unless it is told otherwise, as the executable tells it.
        args: [
          "run",
          "-A",
          "--v8-flags=--max-semi-space-size=8",
          import.meta.resolve("../fakes/million_parts.ts"),
          step,
          `${folder}/million.tar.zst`,
        ],
        stdout: "piped",
        stderr: "piped",
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const peak = Number(new TextDecoder().decode(stdout));
      assert.ok(peak > 0 && peak < 400e6, `${step}: ${Math.round(peak / 1e6)} MB`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
