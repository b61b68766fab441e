import { z } from "zod";
import { type AnyPlugin, definePlugin } from "../../core/plugin.ts";
import { Registry } from "../../core/registry.ts";
import { VaultraError } from "../../core/errors.ts";

function unopened(): Promise<never> {
  return Promise.reject(new VaultraError("internal", "A plugin of the configuration's tests was opened"));
}

const server = definePlugin({
  kind: "database",
  name: "acme",
  apiVersion: 1,
  summary: "A database server that exists only in tests",
  schemes: ["acme", "acmedb"],
  config: z.strictObject({
    url: z.string(),
    password: z.string().optional().meta({ description: "The account's password." }),
    port: z.number().int().min(1).max(65535).optional(),
    tls: z.strictObject({ mode: z.enum(["off", "verify-full"]) }).optional(),
  }).transform((config, context) => {
    if (URL.canParse(config.url)) return config;
    context.addIssue({ code: "custom", message: `The address "${config.url}" names no host`, path: ["url"] });
    return z.NEVER;
  }),
  permissions: () => ({}),
  redact: ({ url }) => ({ host: new URL(url).host }),
  title: ({ url }) => decodeURIComponent(new URL(url).pathname.slice(1)),
  open: unopened,
});

const single = definePlugin({
  kind: "database",
  name: "single",
  apiVersion: 1,
  summary: "A database in a file that exists only in tests",
  schemes: ["single"],
  config: z.strictObject({ url: z.string(), staging: z.string().optional() }),
  permissions: () => ({}),
  redact: ({ url }) => ({ url }),
  title: ({ url }) => url.split("/").at(-1)!,
  open: unopened,
});

const folder = definePlugin({
  kind: "store",
  name: "file",
  apiVersion: 1,
  summary: "A folder that exists only in tests",
  schemes: ["file"],
  config: z.strictObject({ url: z.string() }),
  permissions: () => ({}),
  redact: ({ url }) => ({ url }),
  title: ({ url }) => url,
  open: unopened,
});

const bucket = definePlugin({
  kind: "store",
  name: "bucket",
  apiVersion: 1,
  summary: "A bucket that exists only in tests",
  schemes: ["bucket"],
  config: z.strictObject({
    url: z.string(),
    "access-key": z.string().optional(),
    region: z.string().optional(),
  }),
  permissions: () => ({}),
  redact: ({ url, region }) => ({ url, region }),
  title: ({ url }) => url,
  open: unopened,
});

/** A registry for the tests of the configuration: databases `acme` and `single`, stores `file` and `bucket`. */
export const fakeRegistry: Registry<AnyPlugin> = new Registry()
  .with<AnyPlugin>(server, "file:///acme.ts")
  .with<AnyPlugin>(single, "file:///single.ts")
  .with<AnyPlugin>(folder, "file:///file.ts")
  .with<AnyPlugin>(bucket, "file:///bucket.ts");
