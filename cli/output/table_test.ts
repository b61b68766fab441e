import assert from "node:assert/strict";
import { printable, tableText } from "./table.ts";

Deno.test("tableText() sets columns side by side, with nothing at the lines' ends", () => {
  const text = tableText([{ title: "NAME" }, { title: "ROWS", align: "right" }, { title: "LABEL" }], [
    ["orders", "1,000", ""],
    ["ünïcode 😀", "2", "nightly"],
  ]);
  assert.deepEqual(text.split("\n"), [
    "NAME         ROWS  LABEL",
    "orders      1,000",
    "ünïcode 😀      2  nightly",
  ]);
});

Deno.test("printable() shows what would move a terminal's cursor", () => {
  assert.equal(printable("a\x1b[31m\n\u202eb\u009bé\t"), "a\\x1b[31m\\x0a\\x202eb\\x9bé\\x09");
  assert.match(tableText([{ title: "N" }], [["x\x1b[2J\ny"]]), /^x\\x1b\[2J\\x0ay$/m);
});
