import type { z } from "zod";
import { VaultraError } from "../errors.ts";
import { type JsonSubject, parseJson } from "./bounded_json.ts";
import { FORMAT_VERSION } from "./format.ts";

/**
 * The document of this format in some bytes, which nobody has vouched for yet.
 * @throws {VaultraError} `subject.code`; `damaged.newer-format` when its number says that it is of a later format.
 */
export function parseDocument<T>(bytes: Uint8Array, schema: z.ZodType<T>, subject: JsonSubject): T {
  const value = parseJson(bytes, subject);
  const format = (value as { readonly format?: unknown } | null)?.format;
  if (typeof format === "number" && Number.isInteger(format) && format > FORMAT_VERSION) {
    throw new VaultraError(
      "damaged.newer-format",
      `${subject.what} is of format version ${format}; this Vaultra reads version ${FORMAT_VERSION}`,
      { hint: "Install a newer Vaultra." },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new VaultraError(subject.code, `${subject.what} is malformed`, {
    ...(subject.hint === undefined ? {} : { hint: subject.hint }),
    cause: parsed.error,
  });
}
