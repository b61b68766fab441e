import assert from "node:assert/strict";
import { configJsonSchema, type JsonSchema } from "./json_schema.ts";

/** A row of docs/configuration.md for every key of the schema, in its order. */
function rows(schema: JsonSchema, path = ""): string[] {
  const properties = (schema["properties"] ?? {}) as Record<string, JsonSchema>;
  const named = Object.entries(properties).flatMap(([key, inner]) => {
    const name = path === "" ? key : `${path}.${key}`;
    const standard = inner["default"];
    const shown = standard === undefined || typeof standard === "object" ? "" : `\`${standard}\``;
    const required = (schema["required"] as string[] | undefined)?.includes(key) ? "required" : shown;
    return [`| \`${name}\` | ${inner["description"]} | ${required} |`, ...rows(inner, name)];
  });
  const others = schema["additionalProperties"];
  const rest = typeof others === "object" && others !== null
    ? rows(others as JsonSchema, `${path}.NAME`)
    : [];
  return [...named, ...rest];
}

/** The formatter pads the page's tables. */
function oneSpace(text: string): string {
  return text.replace(/ +/g, " ");
}

Deno.test("docs/configuration.md tells every key with its description and default", async () => {
  const documented = rows(configJsonSchema());
  assert.ok(documented.length >= 20);
  const page = oneSpace(await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url)));
  assert.deepEqual(
    documented.filter((row) => !page.includes(oneSpace(row))),
    [],
    "Put these rows into the page's table",
  );
});

Deno.test("configSchema describes every key", () => {
  assert.deepEqual(rows(configJsonSchema()).filter((row) => row.includes("undefined")), []);
});
