/**
 * The schema of `vaultra.yaml`: validation, `config schema` and docs/configuration.md all come from it.
 *
 * @module
 */
import { z } from "zod";
import { codecNamed } from "../archive/codecs.ts";
import { compressions, jobName } from "../archive/format.ts";
import { toVaultraError } from "../errors.ts";
import { publicKeyName } from "../signing/signing_key.ts";
import { recipientPattern } from "./key_file.ts";
import { durationPattern, parseDuration, parseSize, sizePattern } from "./units.ts";

/** Text of one line, without control characters. References to secrets are text too. */
function line(longest: number) {
  return z.string().regex(
    new RegExp(`^[^\\u0000-\\u001f\\u007f]{1,${longest}}$`),
    `expected one line of 1 to ${longest} characters without control characters`,
  );
}

const text = line(4096);

const duration = z.string({ error: "expected a duration such as 30s, 15m or 6h" })
  .regex(durationPattern, "expected a duration such as 30s, 15m or 6h")
  .transform(unit(parseDuration));

const size = z.union([
  z.number().int().min(0),
  z.string().regex(sizePattern, "expected a size such as 512MiB"),
])
  .transform(unit((value: string | number) => typeof value === "number" ? value : parseSize(value)));

/** A transformation whose errors become issues. */
function unit<Input>(parse: (value: Input) => number) {
  return (value: Input, context: z.RefinementCtx): number => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: toVaultraError(error).message });
      return z.NEVER;
    }
  };
}

const patterns = z.array(text).max(10_000);

const compression = z.string()
  .regex(
    /^(zstd(:([1-9]|1[0-9]))?|gzip(:[1-9])?|none)$/,
    "expected zstd (zstd:1 to zstd:19), gzip (gzip:1 to gzip:9) or none",
  )
  .transform((value) => {
    const name = compressions.find((known) => value.startsWith(known))!;
    const level = value.split(":")[1];
    return { name, level: level === undefined ? codecNamed(name).levels.default : Number(level) };
  });

const limits = z.strictObject({
  "lock-wait": duration.prefault("10s").meta({
    description: "The longest wait for a lock of the database.",
    examples: ["10s", "1m"],
  }),
  "writer-pause": duration.prefault("3s").meta({
    description: "The longest time that writers of the database may have to wait for the backup.",
    examples: ["500ms", "3s"],
  }),
  "log-growth": size.optional().meta({
    description:
      "How far the database's log may grow while the backup reads; beyond it the backup gives up. Default: the engine's own bound.",
    examples: ["512MiB", "20GiB"],
  }),
  timeout: duration.optional().meta({
    description: "The longest time for the whole run, up to 24 days. Default: none.",
    examples: ["30m", "6h"],
  }),
});

/** A plugin's section: an address, or a mapping of `url` and the plugin's own keys, which the plugin validates. */
const section = z.union([text, z.looseObject({ url: text })]);

const encryption = z.strictObject({
  to: z.array(text).min(1).max(100).optional().meta({
    description:
      "Who can open the archives, each alone: names of `keys`, or age recipients. Name two, one of them kept offline.",
    examples: [["backup", "offline"]],
  }),
  passphrase: text.optional().meta({
    description: "A passphrase that opens the archives, instead of `to`. Write a reference.",
    examples: ["${file:/run/secrets/backup-passphrase}"],
  }),
}).refine(({ to, passphrase }) => (to === undefined) !== (passphrase === undefined), {
  error: ({ input }) =>
    Object.keys(input as object).length === 0
      ? "one of to and passphrase is needed"
      : "only one of to and passphrase is allowed",
});

/** One job as the file writes it. */
export const jobSchema = z.strictObject({
  database: section.meta({
    description: "What is backed up: an address, or a mapping of `url` and the engine's own keys.",
    examples: ["sqlite:/var/lib/shop/shop.db"],
  }),
  store: text.optional().meta({
    description:
      "Where backups are kept: a name of `stores`, an address, or a folder's path. Default: the only one of `stores`.",
    examples: ["main", "file:/srv/backups"],
  }),
  stores: z.strictObject({
    to: z.array(text).length(1, "this version writes to exactly one store").meta({
      description: "Stores by name; this version takes exactly one.",
      examples: [["main"]],
    }),
    quorum: z.literal(["all", "any", 1]).default("all").meta({
      description: "How many of the stores must take the backup; with one store it is always that one.",
      examples: ["all"],
    }),
  }).optional().meta({ description: "The long form of `store`; only one of both is allowed." }),
  only: patterns.prefault([]).meta({
    description: "Only objects that match one of these patterns are taken. Default: all.",
    examples: [["orders", "invoice_*"]],
  }),
  exclude: patterns.prefault([]).meta({
    description: "Objects that match one of these patterns are left out.",
    examples: [["tmp_*"]],
  }),
  "exclude-data": patterns.prefault([]).meta({
    description: "Of objects that match one of these patterns only the schema is taken.",
    examples: [["cache"]],
  }),
  compression: compression.prefault("zstd:3").meta({
    description: "How the archive is compressed: `zstd[:1-19]`, `gzip[:1-9]` or `none`.",
    examples: ["zstd:3", "gzip", "none"],
  }),
  encryption: encryption.optional().meta({
    description: "How archives are encrypted, in the age format: `to` or `passphrase`. Default: not.",
    examples: [{ to: ["backup"] }],
  }),
  proof: z.enum(["none", "rows", "content"]).default("content").meta({
    description:
      "What the backup proves of itself: nothing, the number of rows, or rows and a hash of the content.",
    examples: ["content"],
  }),
  parallel: z.number().int().min(1).max(64).default(1).meta({
    description: "Connections to the database, as far as the engine can use them.",
    examples: [4],
  }),
  limits: limits.prefault({}).meta({ description: "Bounds on what a run may cost." }),
  label: line(1000).optional()
    .meta({
      description: "A note that every backup of the job carries.",
      examples: ["before the move"],
    }),
});

/** A job after validation: defaults are filled in, units are numbers. */
export type JobSettings = z.output<typeof jobSchema>;

/** A secret as it is after its reference was resolved: of several lines, perhaps. */
const secret = z.string().min(1).max(64 << 10);

const key = z.strictObject({
  recipient: z.string().regex(recipientPattern, "expected an age recipient, age1…").meta({
    description: "The key's public half, `age1…`: encrypts. `vaultra key generate` makes both halves.",
    examples: ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
  }),
  identity: secret.optional().meta({
    description:
      "The key's secret half: opens. Only where backups are restored or verified; write a reference to the identity file.",
    examples: ["${file:/etc/vaultra/backup.key}"],
  }),
});

const signing = z.strictObject({
  key: secret.optional().meta({
    description:
      "The Ed25519 key that signs every backup's record, PKCS #8 in PEM; write a reference. `vaultra key generate --signing` makes one.",
    examples: ["${file:/etc/vaultra/signing.pem}"],
  }),
  trusted: z.array(publicKeyName).min(1).max(100).optional().meta({
    description:
      "Public keys, one of which must have signed a backup that is read. Default: the one that belongs to `key`.",
    examples: [["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]],
  }),
});

const name = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/);

/** The whole file. */
export const configSchema = z.strictObject({
  version: z.literal(1, "expected 1, the only version that this program reads").meta({
    description: "The version of the file's form: 1.",
    examples: [1],
  }),
  stores: z.record(name, section).prefault({}).meta({
    description: "Stores by name, each an address, or a mapping of `url` and the store's own keys.",
    examples: [{ main: { url: "file:/srv/backups" } }],
  }),
  keys: z.record(name, key).prefault({}).meta({
    description: "Keys of age by name, for `encryption.to`.",
    examples: [{
      backup: { recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" },
    }],
  }),
  signing: signing.optional().meta({
    description: "How backups are signed, and whose signatures are trusted.",
    examples: [{ key: "${file:/etc/vaultra/signing.pem}" }],
  }),
  jobs: z.record(jobName, jobSchema).prefault({}).meta({
    description: "Jobs by name; a name is a folder in the store.",
    examples: [{ shop: { database: "sqlite:/var/lib/shop/shop.db", store: "main" } }],
  }),
}).meta({ title: "Vaultra configuration", description: "The configuration of Vaultra, `vaultra.yaml`." });
