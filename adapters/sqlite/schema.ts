import type { DatabaseSync } from "node:sqlite";

/** One row of `sqlite_schema`. */
export interface SchemaRow {
  readonly type: "table" | "index" | "view" | "trigger";
  readonly name: string;
  /** The table or view that it belongs to: its own name for tables and views. */
  readonly table: string;
  /** The page where its tree begins; 0 when it has none. */
  readonly root: number;
  /** Absent for indexes that a constraint made. */
  readonly sql: string | null;
}

/** A table or view as people know it. */
export interface Relation extends SchemaRow {
  readonly kind: "table" | "shadow" | "virtual" | "view";
  /** For a shadow table: the virtual table that it serves. */
  readonly serves?: string;
  /** For a virtual table: its module, in lower case. */
  readonly module?: string;
}

/** Reads `sqlite_schema`, in the order of creation. */
export function readSchema(connection: DatabaseSync): SchemaRow[] {
  return connection
    .prepare(
      "select type, name, tbl_name as 'table', rootpage as root, sql from sqlite_schema order by rowid",
    )
    .all() as unknown as SchemaRow[];
}

/** The tables that virtual tables of SQLite's own modules keep their content in, by their suffixes. */
const shadowSuffixes: Readonly<Record<string, readonly string[]>> = {
  fts3: ["content", "segments", "segdir", "docsize", "stat"],
  fts4: ["content", "segments", "segdir", "docsize", "stat"],
  fts5: ["data", "idx", "content", "docsize", "config"],
  rtree: ["node", "parent", "rowid"],
  rtree_i32: ["node", "parent", "rowid"],
  geopoly: ["node", "parent", "rowid"],
};

/**
 * Tables and views with their kinds. SQLite tells shadow tables apart only while their module is loaded and
 * readable, so they are known by name: of a foreign module, every table called `<virtual>_…` counts as one.
 */
export function relations(schema: readonly SchemaRow[]): Relation[] {
  const shadows = new Map<string, string>();
  const modules = new Map<string, string>();
  for (const row of schema) {
    const module = /^\s*create\s+virtual\s+table\b/i.test(row.sql ?? "") ? moduleOf(row) : undefined;
    if (module === undefined || row.type !== "table") continue;
    modules.set(row.name, module);
    const prefix = `${row.name.toLowerCase()}_`;
    const known = shadowSuffixes[module]?.map((suffix) => prefix + suffix);
    for (const other of schema) {
      const name = other.name.toLowerCase();
      if (other.type !== "table" || other.root === 0) continue;
      if (known ? known.includes(name) : name.startsWith(prefix)) shadows.set(other.name, row.name);
    }
  }
  return schema.flatMap((row): Relation[] => {
    if (row.type === "view") return [{ ...row, kind: "view" }];
    if (row.type !== "table") return [];
    const module = modules.get(row.name);
    const serves = shadows.get(row.name);
    if (module !== undefined) return [{ ...row, kind: "virtual", module }];
    return serves === undefined ? [{ ...row, kind: "table" }] : [{ ...row, kind: "shadow", serves }];
  });
}

/** The module of a virtual table: the name after USING that follows the table's own name. */
function moduleOf(row: SchemaRow): string {
  const name = `"(?:[^"]|"")*"|\\[[^\\]]*\\]|\`(?:[^\`]|\`\`)*\`|'(?:[^']|'')*'|[^\\s("'\`\\[]+`;
  const pattern = new RegExp(
    `^\\s*create\\s+virtual\\s+table\\s+(?:if\\s+not\\s+exists\\s+)?(?:${name})\\s*using\\s+(${name})`,
    "i",
  );
  const found = pattern.exec(row.sql ?? "")?.[1] ?? "";
  return found.replaceAll(/^["'`[]|["'`\]]$/g, "").toLowerCase();
}
