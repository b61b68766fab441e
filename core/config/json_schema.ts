import { z } from "zod";
import type { AnyPlugin, PluginKind, RegisteredPlugin } from "../plugin.ts";
import type { Registry } from "../registry.ts";
import { configSchema } from "./schema.ts";

/** A JSON Schema, or a part of one. */
export type JsonSchema = { [key: string]: unknown };

/** What the Standard Schema of a plugin may offer besides validation (https://standardschema.dev/json-schema). */
interface DescribesItself {
  readonly jsonSchema?: {
    input(
      options: { target: "draft-2020-12"; libraryOptions?: Record<string, unknown> },
    ): Record<string, unknown>;
  };
}

/** The keys that a plugin takes, as JSON Schema; a mapping of any keys when the plugin's schema cannot tell. */
export function pluginJsonSchema({ plugin }: RegisteredPlugin): JsonSchema {
  const standard: DescribesItself & AnyPlugin["config"]["~standard"] = plugin.config["~standard"];
  const schema = standard.jsonSchema?.input({
    target: "draft-2020-12",
    libraryOptions: { unrepresentable: "any" },
  }) ?? { type: "object" };
  const { $schema: _, ...rest } = schema;
  return rest;
}

/**
 * The JSON Schema (draft 2020-12) of `vaultra.yaml` for editors: with the registry's plugins, each section
 * takes the keys of the plugin whose scheme its `url` has.
 */
export function configJsonSchema(registry?: Registry<AnyPlugin>): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;
  if (!registry) return schema;
  const definitions: JsonSchema = {};
  for (const kind of ["database", "store"] as const) {
    for (const registered of registry.list(kind)) {
      definitions[`${kind}-${registered.plugin.name}`] = sectionSchema(registered);
    }
  }
  const sections = (kind: PluginKind): JsonSchema[] => [
    { type: "string" },
    ...registry.list(kind).map(({ plugin }) => ({ $ref: `#/$defs/${kind}-${plugin.name}` })),
  ];
  replaceSection(schema, ["properties", "stores", "additionalProperties"], sections("store"));
  replaceSection(
    schema,
    ["properties", "jobs", "additionalProperties", "properties", "database"],
    sections("database"),
  );
  return { ...schema, $defs: definitions };
}

/** A plugin's section; its `url` must begin with one of its schemes, or be a reference that only a run resolves. */
function sectionSchema(registered: RegisteredPlugin): JsonSchema {
  const schema = pluginJsonSchema(registered);
  const properties = schema["properties"] as Record<string, JsonSchema> | undefined;
  if (!properties?.["url"]) return schema;
  const schemes = registered.plugin.schemes.map((scheme) => RegExp.escape(scheme)).join("|");
  const url = { ...properties["url"], pattern: `^(${schemes}):|^\\$\\{` };
  return { description: registered.plugin.summary, ...schema, properties: { ...properties, url } };
}

function replaceSection(schema: JsonSchema, path: readonly string[], anyOf: readonly JsonSchema[]): void {
  const section = path.reduce((inner, key) => inner[key] as JsonSchema, schema);
  section["anyOf"] = anyOf;
}

/** The keys that a mapping may have at a path of values, as far as the schema names them. */
export function knownKeys(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  const [part, ...rest] = path;
  const choices = (schema["anyOf"] ?? schema["oneOf"]) as readonly JsonSchema[] | undefined;
  if (choices) return choices.flatMap((choice) => knownKeys(choice, path));
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  if (part === undefined) return Object.keys(properties);
  const inner = typeof part === "number"
    ? schema["items"]
    : Object.hasOwn(properties, part)
    ? properties[String(part)]
    : schema["additionalProperties"];
  return typeof inner === "object" && inner !== null ? knownKeys(inner as JsonSchema, rest) : [];
}
