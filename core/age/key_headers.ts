import { readSmall } from "../catalog/read_small.ts";
import { toVaultraError } from "../errors.ts";
import type { Listener } from "../events.ts";
import type { ObjectReader } from "../store.ts";
import { type AgeHeader, MAX_HEADER_BYTES, parseHeader } from "./header.ts";

/** The most headers of an archive that are read: the newest. */
const MAX_HEADERS = 100;

/**
 * The headers beside an archive that wrap its file key for others, newest first. One that is damaged is passed over and
 * reported: another may open the archive.
 * @param prefix What their keys begin with, as `keyHeadersPrefix` makes it.
 */
export async function readKeyHeaders(
  store: ObjectReader,
  prefix: string,
  listener: Listener,
): Promise<readonly AgeHeader[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) if (key.endsWith(".age")) keys.push(key);
  const headers: AgeHeader[] = [];
  // Their names end in their time.
  for (const key of keys.reverse().slice(0, MAX_HEADERS)) {
    try {
      headers.push(parseHeader(await readSmall(store, key, MAX_HEADER_BYTES, "damaged.age-header")));
    } catch (thrown) {
      const error = toVaultraError(thrown);
      if (error.family !== "damaged") throw error;
      listener({ type: "warning", code: error.code, message: `The key header "${key}" cannot be read` });
    }
  }
  return headers;
}
