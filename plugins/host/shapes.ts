/**
 * The shapes of what a plugin answers. Whatever does not fit ends the operation: `plugin.malformed`.
 *
 * @module
 */
import { z } from "zod";
import { malformed } from "./channel.ts";

const text = z.string().max(10_000);
const name = z.string().min(1).max(65_536);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const MAX_OBJECTS = 1_000_000;
const properties = z.record(z.string().max(200), z.union([text, z.number(), z.boolean()]));
const sourceObject = z.object({
  name,
  kind: text,
  object: count.exactOptional(),
  within: count.exactOptional(),
  rows: count.exactOptional(),
  proof: text.exactOptional(),
  definition: z.string().max(1 << 24).exactOptional(),
});
const warnings = z.array(text).max(1_000);

/** `Check` */
export const checkShape = z.object({
  name: text,
  status: z.enum(["ok", "warning", "failed"]),
  found: text,
  fix: text.exactOptional(),
});

/** `DatabaseCapabilities` */
export const databaseCapabilities = z.object({
  types: z.array(z.enum(["full", "incremental", "differential"])).max(3),
  pointInTime: z.boolean(),
  selective: z.boolean(),
  rename: z.boolean(),
  outputs: z.array(z.enum(["database", "sql", "csv", "json", "raw", "proof"])).max(6),
});

/** `DatabaseInfo` */
export const databaseInfo = z.object({
  engine: text,
  version: text,
  bytes: count,
  objects: z.array(z.object({ name, kind: text, rows: count.exactOptional(), bytes: count.exactOptional() }))
    .max(MAX_OBJECTS),
  properties,
});

/** `SourceStart`, and the handle of the source. */
export const openedSource = z.object({
  handle: count,
  start: z.object({
    position: text,
    engine: text,
    version: text,
    bytes: count,
    properties,
    instructions: z.string().max(1 << 20),
    warnings,
  }),
});

const section = z.enum(["schema", "data", "pages", "schema-after"]);

/** What `PartReader.layout` is asked with. */
export const layoutArguments = z.tuple([section, count]);

/** What `PartReader.read` is asked with. */
export const readArguments = z.tuple([section, count, count]);

/** `EntryInfo` */
export const entryInfo = z.object({
  section,
  name,
  object: count.exactOptional(),
});

/** `EntryEnd` */
export const entryEnd = z.object({ rows: count.exactOptional(), continues: z.boolean().exactOptional() });

/** What a source tells between its bytes. */
export const sourceEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("begin"), stream: count, entry: entryInfo }),
  z.object({ type: z.literal("end"), stream: count, summary: entryEnd }),
]);

/** `SourceSummary` */
export const sourceSummary = z.object({
  stop: text,
  objects: z.array(sourceObject).max(MAX_OBJECTS),
  warnings: z.array(text).max(MAX_OBJECTS).exactOptional(),
});

/** The handle of a restore's target. */
export const openedTarget = z.object({ handle: count });

/** `RestorePlan` */
export const restorePlan = z.object({
  mode: z.enum(["stream", "pull"]),
  steps: z.array(text).max(MAX_OBJECTS),
  objects: z.array(name).max(MAX_OBJECTS).exactOptional(),
  conflicts: z.array(text).max(MAX_OBJECTS),
});

/** `RestoreReport` */
export const restoreReport = z.object({
  objects: z.array(sourceObject).max(MAX_OBJECTS),
  expected: z.array(sourceObject).max(MAX_OBJECTS).exactOptional(),
  target: text,
  warnings,
});

/** What an opened store tells of itself. */
export const openedStore = z.object({
  displayName: text,
  capabilities: z.object({ conditionalPut: z.boolean(), retention: z.boolean() }),
});

/** `ObjectInfo` */
export const objectInfo = z.object({
  key: z.string().min(1).max(4_096),
  size: count,
  modified: z.iso.datetime(),
  etag: z.string().max(1_024),
});

/** `Upload` */
export const upload = z.object({
  key: z.string().max(4_096),
  started: z.iso.datetime(),
  size: count,
  upload: z.string().max(4_096),
});

/** No answer but that it is done. */
export const done = z.unknown().transform(() => undefined);

/** The number of an iterator in the Worker. */
export const iteratorHandle = count;

/** A batch of an iterator's items. */
export const batch = z.object({ items: z.array(z.unknown()).max(1_000), done: z.boolean() });

/**
 * What a plugin answered, in the shape that was expected.
 * @throws {VaultraError} `plugin.malformed`
 */
export function fit<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue === undefined || issue.path.length === 0
    ? ""
    : ` (at ${issue.path.map(String).join(".")})`;
  throw malformed(`an answer to "${what}" that has not the shape of one${place}`);
}
