/**
 * Checks that every exported symbol says in JSDoc what it is: `deno run -A tools/documentation.ts`.
 *
 * `deno doc --lint` asks for comments on every member too, which makes noise; names and types say those.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder, runDeno, runTool, say } from "./child.ts";
import { isTest, projectFiles } from "./project_files.ts";

interface Documentation {
  readonly nodes: Readonly<Record<string, { readonly symbols?: readonly DocumentedSymbol[] }>>;
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly location: { readonly filename: string; readonly line: number };
    readonly kind: string;
    readonly declarationKind: string;
    readonly jsDoc?: { readonly doc?: string };
  }[];
}

/** Names the exported symbols of these files (paths in `root`) that have no description: `file:line: name`. */
export async function findUndocumented(files: readonly string[], root = projectFolder): Promise<string[]> {
  const { code, output } = await runDeno(["doc", "--json", ...files], {
    cwd: root,
    stdout: "captured",
    env: { NO_COLOR: "1" },
  });
  if (code !== 0) throw new Error(`Cannot read the documentation: deno doc ended with code ${code}`);
  const { nodes } = JSON.parse(output) as Documentation;
  const missing = Object.entries(nodes).flatMap(([file, { symbols = [] }]) =>
    symbols.flatMap(({ name, declarations }) => {
      const own = declarations.filter((each) =>
        each.declarationKind === "export" && each.kind !== "reference" && each.location.filename === file
      );
      const first = own[0];
      if (first === undefined || own.some((each) => each.jsDoc?.doc)) return [];
      return [`${fileURLToPath(file).slice(join(root, "/").length)}:${first.location.line + 1}: ${name}`];
    })
  );
  return missing.sort();
}

if (import.meta.main) {
  await runTool(async () => {
    const files = (await projectFiles()).filter((file) => !isTest(file));
    const missing = await findUndocumented(files);
    for (const symbol of missing) say(symbol);
    if (missing.length > 0) throw new Error(`${missing.length} exported symbols have no JSDoc`);
    say(`Checked ${files.length} files`);
  });
}
