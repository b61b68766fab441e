/**
 * Checks that what the project's Markdown files link to is there, files and headings: `deno run -A tools/links.ts`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { projectFolder, runTool, say } from "./child.ts";
import { projectFiles } from "./project_files.ts";

/** Names every relative link of the Markdown files in `root` that leads nowhere: `file: link`. */
export async function findBrokenLinks(root = projectFolder): Promise<string[]> {
  const files = await projectFiles("", root, /\.md$/);
  const broken: string[] = [];
  for (const file of files) {
    for (const link of linksOf(await Deno.readTextFile(join(root, file)))) {
      const [path = "", heading] = link.split("#");
      const target = path === "" ? file : join(dirname(file), path);
      const text = await textOf(join(root, target));
      const leads = text !== undefined && (heading === undefined || headingsOf(text).has(heading));
      if (!leads) broken.push(`${file}: ${link}`);
    }
  }
  return broken;
}

/** The targets of links that stay in the project. Code is no link; `../../` of a page on the web leads out of it. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^ *```[\s\S]*?^ *```|`[^`\n]*`/gm, "");
  const targets = [...prose.matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: *(\S+)/gm)].map(([, inline, named]) =>
    inline ?? named!
  );
  return targets.filter((target) => !/^[a-z]+:/.test(target) && !target.startsWith("../../commits/"));
}

/** A file's text, empty for a folder; `undefined` when there is nothing. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await Deno.stat(path)).isDirectory ? "" : await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(markdown: string): Set<string> {
  const prose = markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
  return new Set(
    [...prose.matchAll(/^#+ +(.*)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(/\s/g, "-")
    ),
  );
}

if (import.meta.main) {
  await runTool(async () => {
    const broken = await findBrokenLinks();
    for (const link of broken) say(link);
    if (broken.length > 0) throw new Error(`${broken.length} links lead nowhere`);
    say("Checked all links");
  });
}
