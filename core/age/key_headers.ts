import { readSmall } from "../catalog/read_small.ts";
import { toVaultraError } from "../errors.ts";
import type { Listener } from "../events.ts";
import type { ObjectReader } from "../store.ts";
import { type AgeHeader, MAX_HEADER_BYTES, parseAgeHeader } from "./header.ts";

/** The most headers of an archive that are read: the newest. */
const MAX_HEADERS = 100;

/** A header beside an archive that wraps its file key for others. */
export interface KeyHeader extends AgeHeader {
  /** Told why it is of no use: `it is damaged`. */
  readonly passOver: (why: string) => void;
}

/**
 * The headers beside an archive that wrap its file key for others, newest first. One that is damaged is passed over and
 * reported: another may open the archive.
 * @param prefix What their keys begin with, as `keyHeadersPrefix` makes it.
 */
export async function readKeyHeaders(
  store: ObjectReader,
  prefix: string,
  listener: Listener,
): Promise<readonly KeyHeader[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) if (key.endsWith(".age")) keys.push(key);
  const headers: KeyHeader[] = [];
  // Their names end in their time.
  for (const key of keys.reverse().slice(0, MAX_HEADERS)) {
    const passOver = (why: string) =>
      listener({
        type: "warning",
        code: "damaged.age-header",
        message: `The key header "${key}" was passed over: ${why}`,
        hint: "Remove it, and rotate the backup again for those who need it.",
      });
    try {
      const header = parseAgeHeader(await readSmall(store, key, MAX_HEADER_BYTES, "damaged.age-header"));
      headers.push({ ...header, passOver });
    } catch (error) {
      if (toVaultraError(error).family !== "damaged") throw error;
      passOver("it is damaged");
    }
  }
  return headers;
}
