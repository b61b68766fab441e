import assert from "node:assert/strict";
import { splitAddress } from "./archive_address.ts";

Deno.test("splitAddress() gives a folder that is never taken for a store's name", () => {
  const cases: [string, string, string][] = [
    ["a.tar.zst", ".", "a.tar.zst"],
    ["shop/a.tar", "./shop", "a.tar"],
    ["backups/shop/a.tar", "backups/shop", "a.tar"],
    ["./shop/a.tar", "./shop", "a.tar"],
    ["/a.tar", "/", "a.tar"],
    ["/srv/shop/a.tar", "/srv/shop", "a.tar"],
    ["file:a.tar", "file:.", "a.tar"],
    ["file:/srv/a.tar", "file:/srv", "a.tar"],
    ["C:\\backups\\a.tar", "C:\\backups", "a.tar"],
    ["backups/", "./backups", ""],
  ];
  for (const [address, folder, key] of cases) {
    assert.deepEqual(splitAddress(address), { folder, key }, address);
  }
});
