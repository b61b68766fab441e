import assert from "node:assert/strict";
import { run, temporaryFolder } from "../../tests/fakes/machine.ts";
import { backUp, buildVariant, restore, type Variant } from "../../tests/fakes/sqlite_kit.ts";

const matrix: Variant[] = [
  ...[512, 1024, 2048, 8192, 16384, 32768, 65536].map((pageSize) => ({ pageSize })),
  ...(["wal", "delete", "truncate", "persist", "memory", "off"] as const).map((journalMode) => ({
    journalMode,
  })),
  ...(["UTF-16le", "UTF-16be"] as const).map((encoding) => ({ encoding })),
  ...([1, 2] as const).map((autoVacuum) => ({ autoVacuum })),
  { reserved: 8 },
];

for (const options of matrix) {
  Deno.test(`backup() and restore() keep every byte of ${JSON.stringify(options)}`, async () => {
    using folder = temporaryFolder();
    const [source, target] = [`${folder.path}/source.db`, `${folder.path}/target.db`];
    buildVariant(source, options);
    const archive = await backUp(source, { partBytes: 100_000 });
    const report = await restore(archive, target);
    run("cmp", source, target);
    assert.equal(run("sqlite3", target, "pragma integrity_check").trim(), "ok");
    assert.equal(run("sqlite3", source, ".sha3sum"), run("sqlite3", target, ".sha3sum"));
    assert.deepEqual(report.objects, archive.summary.objects);
    const left = [...Deno.readDirSync(folder.path)].map((entry) => entry.name);
    assert.deepEqual(left.filter((name) => name.startsWith("target")), ["target.db"]);
    assert.equal(archive.start.properties.pageSize, options.pageSize ?? 4096);
    assert.equal(archive.start.properties.userVersion, 77);
    for (const object of archive.summary.objects.filter((each) => each.rows !== undefined)) {
      const count = run("sqlite3", source, `select count(*) from "${object.name.replaceAll('"', '""')}"`);
      assert.equal(object.rows, Number(count), object.name);
    }
  });
}
