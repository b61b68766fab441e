import assert from "node:assert/strict";
import { VaultraError } from "../../core/errors.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { configOf } from "../../tests/fakes/sqlite_kit.ts";
import { pathOfAddress } from "./config.ts";
import { sqliteError } from "./failure.ts";
import plugin from "./plugin.ts";

const addresses: [address: string, path: string][] = [
  ["sqlite:/srv/a.db", "/srv/a.db"],
  ["sqlite:///srv/a.db", "/srv/a.db"],
  ["sqlite:///srv/with%20space%3F.db", "/srv/with space?.db"],
  ["sqlite:/srv/100%25.db", "/srv/100%25.db"],
  ["sqlite:a b/c.db", `${Deno.cwd()}/a b/c.db`],
  ["sqlite:./x/../c.db", `${Deno.cwd()}/c.db`],
];
for (const [address, path] of addresses) {
  Deno.test(`pathOfAddress() ${address}`, () => assert.equal(pathOfAddress(address), path));
}

Deno.test("pathOfAddress() refuses what names no file", () => {
  for (
    const address of [
      "sqlite:",
      "sqlite://",
      "sqlite::memory:",
      "file:/a",
      "sqlite:///a?mode=ro",
      "sqlite:///%zz",
      "sqlite:a\0b",
    ]
  ) {
    assert.throws(() => pathOfAddress(address), TypeError, address);
  }
});

Deno.test("config refuses unknown keys", () => {
  const result = plugin.config["~standard"].validate({ url: "sqlite:a.db", stageing: "x" });
  assert.ok(!(result instanceof Promise) && /stageing/.test(JSON.stringify(result.issues)));
});

Deno.test("permissions() name exact files, the ones a link leads to included", () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/real.db`, "");
  Deno.symlinkSync(`${folder.path}/real.db`, `${folder.path}/link.db`);
  const { read, write } = plugin.permissions(
    configOf(`${folder.path}/link.db`, { staging: "/srv/staging" }),
    "backup",
  );
  assert.deepEqual(read, write);
  const own = ["", "-wal", "-shm", "-journal"];
  assert.deepEqual(read, [
    ...own.map((suffix) => `${folder.path}/link.db${suffix}`),
    ...own.map((suffix) => `${folder.path}/real.db${suffix}`),
    "/srv/staging",
  ]);
  const restoring = plugin.permissions(configOf("/srv/new.db"), "restore");
  assert.ok(restoring.write?.includes("/srv/new.db.vaultra-restore") && !restoring.write.includes("/srv"));
});

Deno.test("title() is the file's name without its extension", () => {
  assert.equal(plugin.title(configOf("/srv/orders.v2.db")), "orders.v2");
});

Deno.test("sqliteError() tells failures apart", () => {
  const table: [thrown: Error, code: string, transient?: boolean][] = [
    [new Error("database is locked"), "target.locked", true],
    [new Error("database disk image is malformed"), "target.corrupt"],
    [new Error("file is not a database"), "target.corrupt"],
    [new Error("malformed database schema (x) - near y"), "target.schema"],
    [new Error("database or disk is full"), "target.disk-full"],
    [new Error("No space left on device (os error 28)"), "target.disk-full"],
    [new Error("attempt to write a readonly database"), "target.read-only"],
    [new Deno.errors.NotFound("x"), "target.not-found"],
    [new Deno.errors.PermissionDenied("x"), "target.no-permission"],
    [new Deno.errors.NotCapable("x"), "target.not-granted"],
    [new Error("something new"), "target.sqlite"],
  ];
  for (const [thrown, code, transient = false] of table) {
    const error = sqliteError(thrown, "/srv/a.db", "target");
    assert.equal(error.code, code);
    assert.equal(error.transient, transient);
    assert.match(error.message, /\/srv\/a\.db/);
    assert.ok(error.hint);
  }
  const own = new VaultraError("internal", "mine");
  assert.equal(sqliteError(own, "/srv/a.db"), own);
});
