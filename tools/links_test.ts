import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { findBrokenLinks } from "./links.ts";

Deno.test("findBrokenLinks() names links to files and headings that are not there", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(root, "docs"));
    await Deno.writeTextFile(
      join(root, "docs/b.md"),
      "# B: the `second` page\n\n[a](../a.md#one-two) [self](#b-the-second-page)\n",
    );
    await Deno.writeTextFile(
      join(root, "a.md"),
      "# One, two\n\n[b](docs/b.md) [folder](docs) [web](https://example.org/x) [named]\n[gone](docs/c.md) [lost](docs/b.md#c)\n`[code](no.md)`\n\n```md\n[code](no.md)\n```\n\n[named]: docs/d.md\n",
    );
    deepEqual(await findBrokenLinks(root), ["a.md: docs/c.md", "a.md: docs/b.md#c", "a.md: docs/d.md"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
