import assert from "node:assert/strict";
import { parseConfig } from "../../core/config/config_file.ts";
import { configJsonSchema, type JsonSchema } from "../../core/config/json_schema.ts";
import { checkConfig } from "../../core/config/resolve.ts";
import { Secrets } from "../../core/config/secrets.ts";
import { generateSigningKey } from "../../core/signing/signing_key.ts";
import { temporaryFolder } from "../../tests/fakes/machine.ts";
import { builtin } from "../../plugins/builtin.ts";

async function templates(): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name } of Deno.readDir(new URL(".", import.meta.url))) {
    if (name.endsWith(".yaml")) found.push([name, await Deno.readTextFile(new URL(name, import.meta.url))]);
  }
  return found;
}

/** The template with every option switched on. */
function withOptions(text: string): string {
  return text.replace(
    /^( *)# ((?: {2})?[a-z-]+:( .*)?)$/gm,
    (line, indent, option) => indent === "" ? line : `${indent}${option}`,
  );
}

/** A template with the key files that it names in a folder of this machine. */
async function withKeys(text: string, folder: string): Promise<string> {
  const { pem, publicKey } = await generateSigningKey();
  await Deno.writeTextFile(`${folder}/signing.pem`, pem);
  const identity = "AGE-SECRET-KEY-15YE9MCY05V2GFS0JC0PS76WL0JNHC3LQNW06RZFN4G7HHX77EP2SY2FGZM";
  await Deno.writeTextFile(`${folder}/backup.key`, `# created: today\n${identity}\n`);
  return text.replaceAll("/etc/vaultra/", `${folder}/`).replace(/ed25519:[^"]+/, publicKey);
}

Deno.test("every template is valid as it is, and with all its options", async () => {
  using folder = temporaryFolder();
  const found = await templates();
  assert.ok(found.length >= 2);
  for (const [name, text] of found) {
    const all = withOptions(text);
    assert.notEqual(all, text);
    for (const variant of [text, all]) {
      const context = {
        file: parseConfig(await withKeys(variant, folder.path), name),
        registry: builtin,
        environment: {},
        secrets: new Secrets(),
      };
      assert.deepEqual(await checkConfig(context), [], name);
    }
  }
});

Deno.test("the SQLite template shows every key of a job and of its database", async () => {
  const text = (await templates()).find(([name]) => name === "sqlite.yaml")![1];
  const { jobs } = parseConfig(withOptions(text), "sqlite.yaml");
  const job = jobs["shop"]!;
  const schema = configJsonSchema(builtin);
  const at = (...path: string[]) =>
    Object.keys(path.reduce((inner, key) => inner[key] as JsonSchema, schema)["properties"] as JsonSchema);
  const shown = (value: unknown) => Object.keys(value as JsonSchema).sort();
  const jobKeys = at("properties", "jobs", "additionalProperties").filter((key) => key !== "stores");
  // One connection reads an SQLite database, whatever `parallel` says.
  assert.deepEqual(shown(job), jobKeys.filter((key) => key !== "parallel").sort());
  assert.deepEqual(shown(job["database"]), at("$defs", "database-sqlite").sort());
  assert.deepEqual(
    shown(job["limits"]),
    at("properties", "jobs", "additionalProperties", "properties", "limits").sort(),
  );
});

Deno.test("docs/configuration.md tells every key of the built-in plugins", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url));
  const definitions = configJsonSchema(builtin)["$defs"] as Record<string, JsonSchema>;
  for (const [name, { properties }] of Object.entries(definitions)) {
    for (const key of Object.keys(properties as JsonSchema).filter((key) => key !== "url")) {
      assert.ok(new RegExp(`\\| *\`${key}\` *\\|`).test(page), `${key} of ${name}`);
    }
  }
});
