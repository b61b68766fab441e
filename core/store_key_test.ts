import assert from "node:assert/strict";
import { checkKey, compareKeys, isKey } from "./store_key.ts";

Deno.test("checkKey() accepts what Vaultra and people name", () => {
  for (
    const key of [
      "a",
      "orders/20261124T064758Z-full-7f3a.tar.zst.age",
      ".locks/orders",
      "a b/50%+1/it's",
      "ü/日本/😀",
      "console",
      "x".repeat(200),
    ]
  ) assert.equal(checkKey(key), key);
});

Deno.test("checkKey() refuses keys that lead out, or that some store cannot hold", () => {
  for (
    const key of [
      "",
      "/etc/passwd",
      "../x",
      "a/../b",
      "a/./b",
      "a//b",
      "a/",
      "a\\b",
      "C:/x",
      "a\0b",
      "a\nb",
      "a\u0085b",
      "\ud800",
      'a"b',
      "a?",
      "dir./x",
      "x ",
      "nul",
      "Con.json",
      "a/com1.txt",
      "x".repeat(201),
      "ü".repeat(101),
      Array(20).fill("x".repeat(50)).join("/"),
    ]
  ) {
    assert.equal(isKey(key), false, key);
    assert.throws(() => checkKey(key), { code: "store.invalid-key" });
  }
});

Deno.test("compareKeys() orders as UTF-8 bytes do", () => {
  const keys = ["b", "a/b", "a.b", "a", "a0", "\uffee", "😀", "\ud7ff", "a/😀", "a/\ue000", ""];
  const bytes = (key: string) => new TextEncoder().encode(key);
  const expected = [...keys].sort((x, y) => {
    const [p, q] = [bytes(x), bytes(y)];
    for (let i = 0; i < Math.min(p.length, q.length); i++) if (p[i] !== q[i]) return p[i]! - q[i]!;
    return p.length - q.length;
  });
  assert.deepEqual([...keys].sort(compareKeys), expected);
});
