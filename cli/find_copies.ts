import { toVaultraError, type VaultraError } from "../core/errors.ts";
import { checkSeen } from "../core/catalog/seen.ts";
import { chosenOf, type FoundBackup, foundNowhere, type Workspace } from "./workspace.ts";

/** A copy of a backup, and the store that holds it. */
export type FoundCopy = Pick<FoundBackup, "record" | "configured">;

/**
 * The backup that a person named, in every store that holds a copy of it.
 * @param failed Is told why a store can't tell whether it holds one; the others are looked into all the same.
 * @throws {VaultraError} `no-backup.*` when no store holds it, `usage.ambiguous-backup`
 */
export async function findCopies(
  workspace: Workspace,
  name: string,
  options: { readonly store?: string | undefined; readonly job?: string | undefined },
  failed: (error: VaultraError, store: string) => void,
): Promise<FoundCopy[]> {
  const query = options.job === undefined ? {} : { job: options.job };
  const found: FoundCopy[] = [];
  const missing: VaultraError[] = [];
  const stores = await workspace.stores(options.store);
  for (const configured of stores) {
    try {
      await using store = await workspace.openStore(configured);
      const record = await workspace.catalog(store).find(name, query);
      if (name === "latest") await checkSeen(store, record.job, workspace.operation());
      found.push({ record, configured });
    } catch (thrown) {
      const error = toVaultraError(thrown);
      if (error.family === "usage") throw error;
      if (error.family === "no-backup") missing.push(error);
      else failed(error, configured.name);
    }
  }
  if (found.length === 0) {
    if (missing.length === stores.length) throw foundNowhere(missing[0]!, stores);
    return [];
  }
  const { job, id } = chosenOf(name, found).record;
  return found.filter(({ record }) => record.job === job && record.id === id);
}
