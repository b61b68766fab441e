import assert from "node:assert/strict";
import { fileStoreConfig } from "./config.ts";
import plugin from "./plugin.ts";

Deno.test("fileStoreConfig makes every spelling of a folder an absolute path", () => {
  const cwd = Deno.cwd();
  for (
    const [url, folder] of [
      ["file:/srv/backups", "/srv/backups"],
      ["FILE:/srv/backups/", "/srv/backups"],
      ["file:///srv/back%20ups", "/srv/back ups"],
      ["file://localhost/srv/b", "/srv/b"],
      ["/srv/100%/x?y#z", "/srv/100%/x?y#z"],
      ["file:/srv/%20", "/srv/%20"],
      ["/srv/../srv/./b", "/srv/b"],
      ["backups", `${cwd}/backups`],
      ["file:./backups", `${cwd}/backups`],
      ["file:../b", new URL("../b", `file://${cwd}/`).pathname],
      ["./a:b", `${cwd}/a:b`],
      ["c:backups", `${cwd}/c:backups`],
    ] as const
  ) assert.deepEqual(fileStoreConfig.parse({ url }), { folder }, url);
});

Deno.test("fileStoreConfig refuses what names no folder, and unknown keys", () => {
  for (
    const url of [
      "",
      "file:",
      "s3://bucket/x",
      "file://host/x",
      "file:///a?b",
      "file:///a%",
      "~/backups",
      "/a\0b",
      "/",
      "file:///",
    ]
  ) {
    const { error } = fileStoreConfig.safeParse({ url });
    assert.deepEqual(error?.issues[0]?.path, ["url"], url);
  }
  assert.ok(fileStoreConfig.safeParse({ url: "/srv/b", region: "x" }).error);
});

Deno.test("fileStoreConfig resolves links, also above folders that do not exist yet", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink("real", `${folder}/link`);
    assert.deepEqual(fileStoreConfig.parse({ url: `${folder}/link` }), { folder: `${folder}/real` });
    assert.deepEqual(fileStoreConfig.parse({ url: `file:${folder}/link/a/b` }), {
      folder: `${folder}/real/a/b`,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the file plugin asks for its folder and the space there, and nothing else", () => {
  const config = fileStoreConfig.parse({ url: "/srv/backups" });
  assert.deepEqual(plugin.permissions(config, "backup"), {
    read: ["/srv/backups"],
    write: ["/srv/backups"],
    sys: ["statfs"],
  });
  assert.equal(plugin.title(config), "backups");
  assert.deepEqual(plugin.redact(config), { url: "file:/srv/backups" });
});
