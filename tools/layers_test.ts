import { deepEqual, equal, match } from "node:assert/strict";
import { dirname, join } from "node:path";
import { findViolations, type Import, readImports } from "./layers.ts";

function imported(from: string, to: string, how: Partial<Import> = {}): Import {
  return { from, to, typesOnly: false, lazy: false, ...how };
}

const forbidden: readonly (readonly [Import, RegExp])[] = [
  [imported("core/backup.ts", "adapters/sqlite/plugin.ts"), /nothing of ours but itself/],
  [imported("core/backup.ts", "cli/main.ts"), /nothing of ours but itself/],
  [imported("core/backup.ts", "plugins/builtin.ts", { typesOnly: true }), /nothing of ours but itself/],
  [imported("core/backup.ts", "npm:cli-table3"), /only cli may/],
  [imported("core/archive/index.ts", "node:sqlite"), /only adapters\/sqlite may/],
  [imported("cli/main.ts", "node:child_process"), /starts no other program/],
  [imported("adapters/sqlite/plugin.ts", "adapters/mysql/plugin.ts"), /never each other/],
  [imported("adapters/sqlite/plugin.ts", "stores/file/store.ts"), /may import core/],
  [imported("adapters/sqlite/plugin.ts", "plugins/host/guest.ts"), /may import core/],
  [imported("stores/s3/store.ts", "npm:@aws-sdk/client-s3"), /import\(\) inside open\(\)/],
  [imported("plugins/codecs/zstd.ts", "plugins/host/host.ts"), /never each other/],
  [imported("plugins/host/host.ts", "adapters/sqlite/plugin.ts"), /may import core/],
  [imported("cli/main.ts", "adapters/sqlite/plugin.ts"), /may import core, plugins/],
  [imported("mod.ts", "stores/file/plugin.ts"), /may import core, plugins/],
  [imported("core/backup.ts", "tests/fakes/store.ts"), /nothing of ours but itself/],
  [imported("core/backup.ts", "core/errors_test.ts"), /a test is no module/],
  [imported("helpers/text.ts", "core/errors.ts"), /no part of the layout/],
  [imported("tools/test.ts", "npm:zod"), /tools\/test.ts must start without any package/],
];

Deno.test("findViolations() names each import that breaks a rule", () => {
  for (const [each, reason] of forbidden) {
    const violations = findViolations([each]);
    equal(violations.length, 1, `${each.from} → ${each.to}`);
    match(violations[0] ?? "", reason);
  }
});

Deno.test("findViolations() follows what a tool imports to the packages behind it", () => {
  const violations = findViolations([
    imported("tools/demo.ts", "tests/fakes/sample.ts"),
    imported("tests/fakes/sample.ts", "core/shape.ts"),
    imported("core/shape.ts", "npm:zod"),
  ]);
  deepEqual(violations, ["core/shape.ts imports npm:zod: tools/demo.ts must start without any package"]);
});

Deno.test("findViolations() lets the layers use what they may", () => {
  deepEqual(
    findViolations([
      imported("core/backup.ts", "core/errors.ts"),
      imported("core/version.ts", "deno.json"),
      imported("adapters/sqlite/backup.ts", "node:sqlite"),
      imported("stores/s3/store.ts", "npm:@aws-sdk/client-s3", { lazy: true }),
      imported("stores/s3/store.ts", "npm:@aws-sdk/client-s3", { typesOnly: true }),
      imported("plugins/builtin.ts", "adapters/sqlite/plugin.ts"),
      imported("cli/main.ts", "plugins/builtin.ts"),
      imported("core/backup_test.ts", "tests/fakes/store.ts"),
    ]),
    [],
  );
});

Deno.test("readImports() reads static, lazy, type and Worker imports of a real project", async () => {
  const root = await Deno.makeTempDir();
  try {
    const files: Record<string, string> = {
      "deno.json": "{}",
      "core/errors.ts": "export interface Shape { a: number }\nexport const a = 1;\n",
      "core/backup.ts":
        `import type { Shape } from "./errors.ts";\nexport const load = () => import("../stores/file.ts");\n` +
        `export const shape: Shape = { a: 1 };\nexport const worker = new URL("../adapters/worker.ts", import.meta.url);\n`,
      "stores/file.ts":
        `// import { x } from "../cli/main.ts";\nimport { a } from "../core/errors.ts";\nexport const b = a;\n`,
      "adapters/worker.ts": "export {};\n",
    };
    for (const [file, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(root, file)), { recursive: true });
      await Deno.writeTextFile(join(root, file), text);
    }
    const imports = await readImports(root);
    const sorted = imports.toSorted((left, right) =>
      `${left.from}${left.to}` < `${right.from}${right.to}` ? -1 : 1
    );
    deepEqual(sorted, [
      imported("core/backup.ts", "adapters/worker.ts", { lazy: true }),
      imported("core/backup.ts", "core/errors.ts", { typesOnly: true }),
      imported("core/backup.ts", "stores/file.ts", { lazy: true }),
      imported("stores/file.ts", "core/errors.ts"),
    ]);
    equal(findViolations(imports).length, 2);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
