import assert from "node:assert/strict";
import { parseDuration, parseSize, printDuration, printSize } from "./units.ts";

Deno.test("parseSize() reads bytes and units", () => {
  const sizes = {
    "0": 0,
    "4096": 4096,
    "7B": 7,
    "512KiB": 524_288,
    "16MiB": 16_777_216,
    "80MB": 80_000_000,
    "1.5GiB": 1_610_612_736,
    "20GiB": 20 * 2 ** 30,
    "2TB": 2e12,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
});

Deno.test("parseSize() refuses everything else", () => {
  const wrong = [
    "",
    " ",
    "-1",
    "+1",
    "1 MiB",
    "1mib",
    "1K",
    "MiB",
    "1e3",
    "0x10",
    "1.5",
    "1.5B",
    "1,5GB",
    "NaN",
    "9007199254740993",
    "9999999999999999TiB",
    "1MiB/s",
    "1MiB\n",
    "١MB",
  ];
  for (const text of wrong) {
    assert.throws(() => parseSize(text), { code: "usage.size", message: `"${text}" is not a size` }, text);
  }
  assert.throws(() => parseSize("9".repeat(100_000)), (error: Error) => error.message.length < 80);
});

Deno.test("parseDuration() reads milliseconds to days", () => {
  const durations = {
    "250ms": 250,
    "0s": 0,
    "30s": 30_000,
    "15m": 900_000,
    "6h": 21_600_000,
    "7d": 604_800_000,
  };
  for (const [text, milliseconds] of Object.entries(durations)) {
    assert.equal(parseDuration(text), milliseconds, text);
  }
});

Deno.test("parseDuration() refuses what a timer cannot count, and everything else", () => {
  assert.ok(parseDuration("24d") < 2 ** 31);
  for (const text of ["", "30", "25d", "999999999d", "-1s", "1.5h", "1h30m", "6H", "10 s", "s", "1w"]) {
    assert.throws(() => parseDuration(text), { code: "usage.duration" }, text);
  }
});

Deno.test("printSize() and printDuration() print what is read back exactly", () => {
  for (
    const bytes of [0, 1, 1000, 1024, 1_000_001, 16 << 20, 80_000_000, 20 * 2 ** 30, Number.MAX_SAFE_INTEGER]
  ) {
    assert.equal(parseSize(printSize(bytes)), bytes);
  }
  for (const milliseconds of [0, 1, 999, 10_000, 90_000, 21_600_000, 604_800_000]) {
    assert.equal(parseDuration(printDuration(milliseconds)), milliseconds);
  }
  assert.equal(printSize(16 << 20), "16MiB");
  assert.equal(printSize(80_000_000), "80MB");
  assert.equal(printDuration(90_000), "90s");
  assert.equal(printDuration(0), "0ms");
});
