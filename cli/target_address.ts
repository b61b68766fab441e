import type { Configured } from "../core/config/job.ts";
import { resolveDatabase } from "../core/config/resolve.ts";
import type { RestorePlan, RestoreRequest } from "../core/database.ts";
import { VaultraError } from "../core/errors.ts";
import type { ByteStream } from "../core/streams/bytes.ts";
import { confirmTyping } from "./prompts.ts";
import { openScript, type Script } from "./script.ts";
import type { Session } from "./session.ts";
import { workDatabase } from "./work_folder.ts";
import type { Workspace } from "./workspace.ts";

/** What may become of what a target holds. */
interface TargetOptions {
  readonly ifExists?: RestoreRequest["ifExists"] | undefined;
  /** Whether a replacement is agreed to already. */
  readonly yes?: boolean | undefined;
}

/**
 * Where `--to` says that a backup's content goes: a database, or a script that one writes. Disposing without `commit`
 * leaves no trace of a script.
 */
export class AddressedTarget implements Disposable {
  /** What is done with what the database holds. */
  readonly ifExists: RestoreRequest["ifExists"];
  /** Takes the script; absent: the database itself is written. */
  readonly script?: (bytes: ByteStream) => Promise<void>;
  readonly #session: Session;
  readonly #workspace: Workspace;
  readonly #place: Configured | Script;
  readonly #agreed: boolean;

  private constructor(
    session: Session,
    workspace: Workspace,
    place: Configured | Script,
    { ifExists = "fail", yes = false }: TargetOptions,
  ) {
    this.#session = session;
    this.#workspace = workspace;
    this.#place = place;
    this.#agreed = yes;
    // A script's database is made anew for it.
    this.ifExists = isScript(place) ? "fail" : ifExists;
    if (isScript(place)) this.script = (bytes) => place.write(bytes);
  }

  /**
   * Opens what the address names, before any archive is read, so that a slip of the pen costs no time.
   * @throws {VaultraError} `usage.*`, `config.*`, `target.exists`, `target.unwritable`
   */
  static async open(
    session: Session,
    workspace: Workspace,
    address: string,
    options: TargetOptions,
  ): Promise<AddressedTarget> {
    const place = address.startsWith("sql:")
      ? openScript(address.slice(4), options.ifExists === "replace", session.context)
      : await resolveDatabase(address, workspace.context, "--to");
    return new AddressedTarget(session, workspace, place, options);
  }

  /**
   * The database: of a script the one that its rows are read from.
   * @param engine The archive's; absent: nothing tells it any more.
   * @throws {VaultraError} `damaged.header` when a script has no engine
   */
  readonly database = async (engine: string | undefined): Promise<Configured> => {
    if (!isScript(this.#place)) return this.#place;
    if (engine !== undefined) return await workDatabase(engine, this.#place.workPath, this.#workspace);
    throw new VaultraError(
      "damaged.header",
      "The archive's header is lost, so that nothing tells its engine",
      { hint: "Restore into a database, whose address tells the engine, such as --to sqlite:salvaged.db." },
    );
  };

  /** Has a person type the name of a database that will be replaced, unless `--yes` answers for them. */
  readonly confirm = async (plan: RestorePlan): Promise<void> => {
    if (this.ifExists !== "replace" || this.#agreed || isScript(this.#place)) return;
    const name = this.#place.plugin.plugin.title(this.#place.config);
    await confirmTyping(this.#session.context, {
      word: name,
      question: `Type its name, ${name}, to go on`,
      title: "This will change a database that exists",
      steps: plan.steps,
      would: `"${name}" would be changed`,
      undone: "Nothing was restored",
    });
  };

  /** How a person is told of it. */
  title(reported: string): string {
    return isScript(this.#place) ? this.#place.name : reported;
  }

  /** Says something to people, beside a script that takes standard output. */
  say(text: string): void {
    if (isScript(this.#place) && this.#place.toStdout) this.#session.note(text);
    else this.#session.say(text);
  }

  /** Makes a script visible under its name. */
  commit(): void {
    if (isScript(this.#place)) this.#place.commit();
  }

  [Symbol.dispose](): void {
    if (isScript(this.#place)) this.#place[Symbol.dispose]();
  }
}

function isScript(place: Configured | Script): place is Script {
  return "workPath" in place;
}
