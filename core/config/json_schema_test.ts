import assert from "node:assert/strict";
import { fakeRegistry } from "../../tests/fakes/fake_plugins.ts";
import { configJsonSchema, type JsonSchema, knownKeys } from "./json_schema.ts";

Deno.test("configJsonSchema() is draft 2020-12 and closed", () => {
  const schema = configJsonSchema(fakeRegistry);
  assert.equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  assert.equal(schema["additionalProperties"], false);
  assert.deepEqual(schema["required"], ["version"]);
});

Deno.test("configJsonSchema() holds the keys of each plugin beside the schemes of its addresses", () => {
  const schema = configJsonSchema(fakeRegistry);
  const definitions = schema["$defs"] as Record<string, JsonSchema>;
  assert.deepEqual(Object.keys(definitions), [
    "database-acme",
    "database-single",
    "store-file",
    "store-bucket",
  ]);
  const acme = definitions["database-acme"]!;
  assert.equal(acme["$schema"], undefined);
  assert.equal(acme["additionalProperties"], false);
  const properties = acme["properties"] as Record<string, JsonSchema>;
  assert.deepEqual(Object.keys(properties), ["url", "password", "port", "tls"]);
  assert.equal(properties["password"]!["description"], "The account's password.");
  const pattern = new RegExp(String(properties["url"]!["pattern"]));
  assert.ok(pattern.test("acme://db") && pattern.test("acmedb://db") && pattern.test("${env:DB}"));
  assert.ok(!pattern.test("acm://db") && !pattern.test("single:/x"));
});

Deno.test("configJsonSchema() refers only to what it defines", () => {
  const schema = configJsonSchema(fakeRegistry);
  const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map((found) =>
    found[1]!
  );
  assert.equal(references.length, 4);
  for (const name of references) assert.ok(name in (schema["$defs"] as JsonSchema), name);
});

Deno.test("knownKeys() finds the keys at a path of values", () => {
  const schema = configJsonSchema();
  assert.deepEqual(knownKeys(schema, []), ["version", "stores", "keys", "signing", "jobs"]);
  assert.ok(knownKeys(schema, ["jobs", "x"]).includes("exclude-data"));
  assert.deepEqual(knownKeys(schema, ["jobs", "x", "stores"]), ["to", "quorum"]);
  assert.deepEqual(knownKeys(schema, ["stores", "main"]), ["url"]);
  assert.deepEqual(knownKeys(schema, ["jobs", "x", "only", 0]), []);
  assert.deepEqual(knownKeys(schema, ["toString"]), []);
});
