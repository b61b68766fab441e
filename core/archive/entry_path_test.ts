import assert from "node:assert/strict";
import { VaultraError } from "../errors.ts";
import { filePath, indexPath, labelOf, parsePath, partPath } from "./entry_path.ts";

Deno.test("labelOf() makes a label that every file system takes of any name", () => {
  const labels: readonly [name: string, label: string][] = [
    ["public.users", "public.users"],
    ["../../etc/passwd", "_._.._etc_passwd"],
    [".", "_"],
    ["..", "__"],
    ["a.", "a_"],
    ["a b\nc", "a_b_c"],
    ["Käse", "K_se"],
    ["\u{1F600}", "__"],
    ["x".repeat(59) + ".y", `${"x".repeat(59)}_`],
    ["", "_"],
  ];
  for (const [name, label] of labels) assert.equal(labelOf(name), label, name);
});

Deno.test("parsePath() reads back every path that is made", () => {
  for (const name of ["users", "..", "con", "a.b.", "日本", "-", "x".repeat(500)]) {
    const path = partPath("data", 7, labelOf(name), 12);
    assert.ok(path.length <= 100);
    assert.deepEqual(parsePath(path), {
      kind: "part",
      section: "data",
      object: 7,
      label: labelOf(name),
      part: 12,
    });
  }
  assert.deepEqual(parsePath(filePath("schema-after", "indexes.sql")), {
    kind: "file",
    section: "schema-after",
    name: "indexes.sql",
  });
  assert.deepEqual(parsePath(indexPath(10)), { kind: "index", piece: 10 });
  assert.deepEqual(parsePath("vaultra.json"), { kind: "header" });
  assert.deepEqual(parsePath("RESTORE.md"), { kind: "restore" });
  assert.deepEqual(parsePath("manifest.json"), { kind: "manifest" });
});

Deno.test("parsePath() takes no other path", () => {
  const others = [
    "",
    "/vaultra.json",
    "./vaultra.json",
    "VAULTRA.JSON",
    "schema/",
    "schema/../a",
    "schema/a/b",
    "schema/.hidden",
    "schema/a.",
    "schema/NUL",
    "schema/com1.sql",
    "data/000000.a/00000000",
    "data/1.a/00000000",
    "data/000001.a/0",
    "data/000001./00000000",
    "data/000001.a./00000000",
    "data/000001.a/00000000/b",
    "data/000001.a\n/00000000",
    "log/00000000",
    "index/01.jsonl",
    "index/-1.jsonl",
  ];
  for (const path of others) assert.equal(parsePath(path), null, path);
});

Deno.test("filePath() refuses names that are no plain file names", () => {
  for (const name of ["", ".", "..", "a/b", "a\\b", "a.", "LPT9", "aux.sql", "ä", "x".repeat(61)]) {
    assert.throws(
      () => filePath("schema", name),
      (error) => error instanceof VaultraError && error.code === "plugin.bad-name",
    );
  }
});
