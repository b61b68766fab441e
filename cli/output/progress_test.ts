import assert from "node:assert/strict";
import { ProgressLine, progressText } from "./progress.ts";

const MiB = 2 ** 20;

Deno.test("progressText() tells part, rate and time left, as far as they are known", () => {
  const event = { type: "progress", bytes: 512 * MiB, total: 1024 * MiB, stored: 0 } as const;
  assert.equal(
    progressText("Backing up", event, 2000),
    "Backing up  50 %  512 MiB of 1 GiB  256 MiB/s  2.0 s left",
  );
  assert.equal(progressText("Backing up", event, 100), "Backing up  50 %  512 MiB of 1 GiB  5 GiB/s");
  assert.equal(progressText("Restoring", { ...event, bytes: 0 }, 0), "Restoring  0 %  0 B of 1 GiB");
  const unknown = { type: "progress", bytes: MiB, stored: 0 } as const;
  assert.equal(progressText("Restoring", unknown, 1000), "Restoring  1 MiB  1 MiB/s");
  // More than was announced is still not more than all
  assert.match(
    progressText("Backing up", { ...event, bytes: 1025 * MiB }, 1000),
    /100 % {2}1 GiB of 1 GiB [^l]*$/,
  );
});

Deno.test("ProgressLine draws one line of the terminal's width, not too often, and removes it", () => {
  let now = 0;
  const written: string[] = [];
  const progress = new ProgressLine((text) => written.push(text), () => 30, () => now);
  progress.clear();
  progress.handle({ type: "phase", phase: "Backing up" });
  const event = { type: "progress", bytes: MiB, total: 10 * MiB, stored: 0 } as const;
  for (now = 10; now <= 300; now += 10) progress.handle(event);
  progress.handle({ type: "log", level: "info", source: "x", message: "not progress" });
  progress.clear();
  progress.clear();
  assert.deepEqual(written.map((text) => text.replace(/\d+(\.\d)? MiB\/s.*/, "…")), [
    "\r\x1b[KBacking up",
    "\r\x1b[KBacking up  10 %  1 MiB of 10",
    "\r\x1b[KBacking up  10 %  1 MiB of 10",
    "\r\x1b[K",
  ]);
});
