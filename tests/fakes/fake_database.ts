import type {
  BackupRequest,
  BackupSource,
  DatabaseAdapter,
  DatabaseInfo,
  EntrySink,
  PartReader,
  ProofLevel,
  RestoreEntry,
  RestorePlan,
  RestoreReport,
  RestoreRequest,
  RestoreTarget,
  SourceObject,
  SourceSummary,
} from "../../core/database.ts";
import { RowSum, rowSumProof } from "../../core/proof/row_sum.ts";
import type { AnyPlugin } from "../../core/plugin.ts";
import type { Check } from "../../core/events.ts";
import { definePlugin } from "../../core/plugin.ts";
import { VaultraError } from "../../core/errors.ts";
import { Selection } from "../../core/patterns.ts";

/** Where a fake database fails, if it does. */
export type FakeFault = "open" | "snapshot" | "write" | "finish" | "restore-write" | "commit";

/** A database of tables of lines, in memory, that counts what is done to it and fails where a test wants. */
export class FakeDatabase implements DatabaseAdapter {
  readonly capabilities = {
    types: ["full"],
    pointInTime: false,
    selective: false,
    rename: false,
    outputs: ["database", "csv", "proof"],
  } as const;
  /** Lines by table. */
  readonly tables = new Map<string, string[]>();
  /** What it tells of itself. */
  version = "1";
  warnings: string[] = [];
  fault: { readonly at: FakeFault; readonly error: Error } | undefined;
  /** How tables are defined, where that is said; else `table`. */
  readonly definitions = new Map<string, string>();
  /** Tables whose content can't be proven once it is in an archive. */
  readonly unprovable = new Set<string>();
  /** What restores were asked, oldest first. */
  readonly requests: RestoreRequest[] = [];
  /** A table of which a restore spoils a line. */
  spoils: { readonly table: string; readonly how: "loses" | "doubles" | "changes" } | undefined;
  /** Called before each table is written. */
  onTable: (name: string) => Promise<void> = () => Promise.resolve();
  /** Snapshots and restores that were opened and not disposed of. */
  open = 0;

  /** The plugin that opens this very database. */
  readonly plugin: AnyPlugin = definePlugin({
    kind: "database",
    name: "fake",
    apiVersion: 1,
    summary: "Tables of lines in memory",
    schemes: ["fake"],
    config: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
    permissions: () => ({}),
    redact: () => ({}),
    title: () => "fake",
    open: () => {
      this.#fail("open");
      return Promise.resolve(this);
    },
  });

  inspect(): Promise<DatabaseInfo> {
    const objects = [...this.tables].map(([name, lines]) => ({ name, kind: "table", rows: lines.length }));
    return Promise.resolve({ engine: "fake", version: this.version, bytes: 0, objects, properties: {} });
  }

  backup(request: BackupRequest): Promise<BackupSource> {
    this.#fail("snapshot");
    this.open++;
    const objects = [...this.tables].map(([name, lines], index): SourceObject => ({
      name,
      kind: "table",
      object: index + 1,
      ...proven(lines, request.proof),
    }));
    return Promise.resolve({
      start: {
        position: "7",
        engine: "fake",
        version: this.version,
        bytes: 0,
        properties: {},
        instructions: "```sh\nls data\n```",
        warnings: this.warnings,
      },
      write: async (sink: EntrySink) => {
        if (this.definitions.size > 0) {
          const entry = sink.begin({ section: "schema", name: "definitions.json" });
          await entry.write(new TextEncoder().encode(JSON.stringify([...this.definitions])));
          entry.end();
        }
        for (const [index, [name, lines]] of [...this.tables].entries()) {
          await this.onTable(name);
          this.#fail("write");
          const entry = sink.begin({ section: "data", name, object: index + 1 });
          await entry.write(bytesOf(lines));
          entry.end({ rows: lines.length });
        }
      },
      finish: (): Promise<SourceSummary> => {
        this.#fail("finish");
        return Promise.resolve({ stop: "9", objects });
      },
      [Symbol.asyncDispose]: () => Promise.resolve(void this.open--),
    });
  }

  restore(request: RestoreRequest): Promise<RestoreTarget> {
    this.open++;
    this.requests.push(request);
    const arrived = new Map<string, string>();
    let definitions = new Map<string, string>();
    const plan: RestorePlan = {
      mode: "stream",
      steps: ["fill the tables"],
      conflicts: request.output === "database" && this.tables.size > 0 && request.ifExists === "fail"
        ? ["the database holds tables"]
        : [],
    };
    return Promise.resolve({
      plan: () => Promise.resolve(plan),
      write: (entry: RestoreEntry) => {
        this.#fail("restore-write");
        const text = entry.bytes.map((block) => new TextDecoder().decode(block)).join("");
        if (entry.section === "schema") {
          definitions = new Map(JSON.parse(text));
          return Promise.resolve();
        }
        arrived.set(entry.name, (arrived.get(entry.name) ?? "") + text);
        return Promise.resolve();
      },
      pull: (_reader: PartReader) => Promise.reject(new TypeError("The fake database restores in order")),
      script: async function* () {
        const text = arrived.get(request.names?.[0] ?? "");
        if (text === undefined) throw new VaultraError("usage.no-such-object", "There is no such table");
        yield await Promise.resolve(new TextEncoder().encode(text));
      },
      commit: (): Promise<RestoreReport> => {
        this.#fail("commit");
        if (request.output !== "database") {
          const objects = this.#proven(request, arrived, definitions);
          return Promise.resolve({ objects, target: "nowhere", warnings: [] });
        }
        this.tables.clear();
        for (const [name, text] of arrived) {
          const lines = text.split("\n").slice(0, -1);
          this.tables.set(name, name === this.spoils?.table ? spoilt(lines, this.spoils.how) : lines);
        }
        const objects = [...this.tables].map(([name, lines]) => ({
          name,
          kind: "table",
          ...proven(lines, request.proof),
        }));
        return Promise.resolve({ objects, target: "fake", warnings: [] });
      },
      [Symbol.asyncDispose]: () => Promise.resolve(void this.open--),
    });
  }

  async *checks(): AsyncIterable<Check> {}

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** What a restore reports that keeps nothing. */
  #proven(
    { names, only, exclude, schemaOnly }: RestoreRequest,
    arrived: ReadonlyMap<string, string>,
    definitions: ReadonlyMap<string, string>,
  ): SourceObject[] {
    const selection = new Selection(only, exclude);
    return [...arrived].map(([name, text], index) => ({
      name,
      kind: "table",
      object: index + 1,
      definition: definitions.get(name) ?? "table",
      ...(schemaOnly || this.unprovable.has(name) ? {} : proven(text.split("\n").slice(0, -1), "content")),
    })).filter(({ name }) => names?.includes(name) ?? selection.includes(name));
  }

  #fail(at: FakeFault): void {
    if (this.fault?.at === at) throw this.fault.error;
  }
}

function bytesOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
}

function proven(lines: readonly string[], level: ProofLevel): Pick<SourceObject, "rows" | "proof"> {
  if (level !== "content") return level === "none" ? {} : { rows: lines.length };
  const sum = new RowSum("lines");
  sum.push(bytesOf(lines));
  const total = sum.finish();
  return { rows: total.rows, proof: rowSumProof(total) };
}

function spoilt(lines: readonly string[], how: "loses" | "doubles" | "changes"): string[] {
  const last = lines.at(-1)!;
  const instead = { loses: [], doubles: [last, last], changes: [`${last}!`] };
  return [...lines.slice(0, -1), ...instead[how]];
}
