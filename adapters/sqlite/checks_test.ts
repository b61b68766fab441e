import assert from "node:assert/strict";
import type { Check } from "../../core/events.ts";
import { buildSample } from "../../tests/fakes/sqlite_sample.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { configOf, context } from "../../tests/fakes/sqlite_kit.ts";
import plugin from "./plugin.ts";

async function checksOf(path: string): Promise<Map<string, Check>> {
  await using adapter = await plugin.open(configOf(path), context());
  const checks = new Map<string, Check>();
  for await (const check of adapter.checks()) checks.set(check.name, check);
  return checks;
}

Deno.test("checkDatabase() finds a sound database sound", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`, { journalMode: "wal" });
  const checks = await checksOf(`${folder.path}/a.db`);
  assert.deepEqual([...checks.values()].map(({ status }) => status), ["ok", "ok", "ok", "ok", "ok"]);
});

Deno.test("checkDatabase() advises WAL mode for a large database in a rollback mode", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`, { rows: 120_000 });
  const check = (await checksOf(`${folder.path}/a.db`)).get("sqlite.journal-mode");
  assert.equal(check?.status, "warning");
  assert.match(check?.fix ?? "", /journal_mode=wal/);
});

Deno.test("checkDatabase() tells of a missing file, and of damage", async () => {
  using folder = temporaryFolder();
  assert.equal((await checksOf(`${folder.path}/none.db`)).get("sqlite.file")?.status, "failed");
  const path = `${folder.path}/a.db`;
  buildSample(path, { rows: 5000 });
  const file = Deno.openSync(path, { write: true });
  file.seekSync(200_000, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(50_000).fill(0xff));
  file.close();
  const found = (await checksOf(path)).get("sqlite.integrity");
  assert.equal(found?.status, "failed");
  assert.ok(found?.fix);
});

Deno.test("inspectDatabase() lists tables with rows and properties", async () => {
  using folder = temporaryFolder();
  buildSample(`${folder.path}/a.db`, { rows: 123, pageSize: 8192, encoding: "UTF-16le" });
  await using adapter = await plugin.open(configOf(`${folder.path}/a.db`), context());
  const info = await adapter.inspect();
  assert.equal(info.objects.find(({ name }) => name === "orders")?.rows, 123);
  assert.equal(info.objects.find(({ name }) => name === "docs")?.kind, "virtual");
  assert.equal(info.objects.find(({ name }) => name === "docs_data")?.kind, "shadow");
  assert.equal(info.properties.pageSize, 8192);
  assert.equal(info.properties.encoding, "UTF-16le");
  assert.equal(info.bytes, Deno.statSync(`${folder.path}/a.db`).size);
});
