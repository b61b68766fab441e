import { backupId, jobName } from "../../core/archive/format.ts";
import type { Named } from "../../core/catalog/keys.ts";
import { deleteBackups } from "../../core/delete.ts";
import { VaultraError } from "../../core/errors.ts";
import { type DeletePlan, findStored, planDelete, type StoredBackup } from "../../core/plan_delete.ts";
import type { ObjectStore } from "../../core/store.ts";
import { refuseCopies } from "../find_backup.ts";
import { bytesText, countOf } from "../output/units.ts";
import { lockOwner } from "../owner.ts";
import { confirmTyping } from "../prompts.ts";
import type { Session } from "../session.ts";
import { Workspace } from "../workspace.ts";

/** What `vaultra delete` was asked. */
interface DeleteOptions {
  readonly store?: string | undefined;
  readonly job?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** An open store and its name. */
interface Place {
  readonly name: string;
  readonly store: ObjectStore;
}

/** What is deleted of one job in one store. */
interface Deletion extends Place {
  readonly job: string;
  readonly ids: string[];
}

/** `vaultra delete BACKUP…`: nothing is deleted unless all that were named may be. */
export async function deleteNamed(
  session: Session,
  names: readonly string[],
  options: DeleteOptions,
): Promise<number> {
  const wanted = names.map((name) => parseName(name, options.job));
  const workspace = await Workspace.open(session);
  const operation = workspace.operation();
  await using open = new AsyncDisposableStack();
  const places: Place[] = [];
  for (const configured of await workspace.stores(options.store)) {
    const purpose = options.dryRun ? "inspect" : "backup";
    places.push({ name: configured.name, store: open.use(await workspace.openStore(configured, purpose)) });
  }
  const deletions: Deletion[] = [];
  for (const name of wanted) {
    const { place, job, id } = await locate(places, name);
    const known = deletions.find((each) => each.store === place.store && each.job === job);
    if (known === undefined) deletions.push({ ...place, job, ids: [id] });
    else if (!known.ids.includes(id)) known.ids.push(id);
  }
  const plans: DeletePlan[] = [];
  for (const { store, job, ids } of deletions) plans.push(await planDelete(store, job, ids, operation));
  const steps = plans.flatMap((plan, at) => planLines(plan, deletions[at]!.name));
  if (options.dryRun) {
    const backups = plans.flatMap((plan, at) =>
      plan.backups.map((each) => described(each, deletions[at]!.name))
    );
    session.json({ type: "plan", command: "delete", backups });
    session.say(
      [session.style.bold("A delete would remove:"), ...steps.map((step) => `  - ${step}`)].join("\n"),
    );
    return 0;
  }
  if (!options.yes) {
    const count = countOf(plans.reduce((sum, { backups }) => sum + backups.length, 0), "backup");
    await confirmTyping(session.context, {
      word: "delete",
      question: `Type delete to delete ${count}`,
      title: "This cannot be taken back",
      steps,
      would: `${count} would be deleted`,
      undone: "Nothing was deleted",
    });
  }
  for (const [at, { name, store, job, ids }] of deletions.entries()) {
    const deleted = (backup: StoredBackup) => {
      session.json({ type: "result", command: "delete", ...described(backup, name) });
      session.say(
        `${session.style.green("✔")} ${job} ${backup.id} deleted from ${name}, ${
          bytesText(backup.bytes)
        } freed`,
      );
    };
    await deleteBackups(store, job, ids, { owner: lockOwner(), shown: plans[at]!, deleted }, operation);
  }
  return 0;
}

/** A backup as a person names it to be deleted. */
interface Wanted {
  readonly text: string;
  readonly id: string;
  readonly job: string | undefined;
}

/** @throws {VaultraError} `usage.latest`, `usage.job-name` */
function parseName(text: string, only: string | undefined): Wanted {
  const slash = text.lastIndexOf("/");
  const id = text.slice(slash + 1);
  const job = slash < 0 ? only : text.slice(0, slash);
  if (id === "latest") {
    throw new VaultraError("usage.latest", '"latest" is not taken by delete', {
      hint: "Between two looks another backup may become the newest: name the one that is meant by its id.",
    });
  }
  if (job !== undefined && (!jobName.safeParse(job).success || (only !== undefined && only !== job))) {
    throw new VaultraError("usage.job-name", `"${job}" is not the job that is meant`, {
      hint: "Name a backup as JOB/ID, or by its id with --job.",
    });
  }
  return { text, id, job };
}

/** @throws {VaultraError} `no-backup.unknown`, `usage.whole-id`, `usage.ambiguous-backup` */
async function locate(
  places: readonly Place[],
  { text, id, job }: Wanted,
): Promise<Named & { readonly place: Place }> {
  const found: (Named & { readonly place: Place })[] = [];
  for (const place of places) {
    for (const named of await findStored(place.store, id, job)) found.push({ ...named, place });
  }
  const exact = found.filter((each) => each.id === id);
  const [first] = exact;
  if (first !== undefined) {
    const other = exact.find((each) => each.job !== first.job);
    if (other === undefined) {
      refuseCopies(first, exact.map(({ place }) => place.name));
      return first;
    }
    throw new VaultraError("usage.ambiguous-backup", `Several jobs have a backup "${id}"`, {
      hint: `Say which: ${first.job}/${id} or ${other.job}/${id}.`,
    });
  }
  if (found.length > 0 && !backupId.safeParse(id).success) {
    const meant = [...new Set(found.map((each) => each.id))];
    throw new VaultraError("usage.whole-id", `"${text}" is no whole id, and delete takes no other`, {
      hint: `Did you mean ${meant.slice(0, 5).join(", ")}${meant.length > 5 ? ", …" : ""}?`,
    });
  }
  throw new VaultraError(
    "no-backup.unknown",
    `There is no backup "${text}" in ${places.map(({ name }) => name).join(", ")}`,
    { hint: "It may have been deleted already: vaultra list backups shows what is there." },
  );
}

function planLines(plan: DeletePlan, store: string): string[] {
  return [
    ...plan.backups.map(({ job, id, bytes, listed }) =>
      `${job} ${id} from ${store}, ${bytesText(bytes)}${
        listed ? "" : ": what is left of it, it is not listed"
      }`
    ),
    ...(plan.last ? [`After that, job "${plan.job}" has no backup left in ${store}`] : []),
  ];
}

function described({ job, id, bytes, listed }: StoredBackup, store: string) {
  return { store, job, id, bytes, listed };
}
