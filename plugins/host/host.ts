/**
 * The plugin host: opens every plugin, built-in or not, in a Worker of its own that has exactly the permissions which
 * its definition asks for, and hands `core` a twin of the service. docs/security.md says what that guards against.
 *
 * @module
 */
import type { HostedDatabase } from "../../core/database.ts";
import type { OpenOptions, PluginHost, RegisteredPlugin } from "../../core/plugin.ts";
import type { ObjectStore } from "../../core/store.ts";
import { defaultDeadlines, type HostDeadlines } from "./deadlines.ts";
import { GuestWorker } from "./guest_worker.ts";
import { DatabaseTwin } from "./host_database.ts";
import { StoreTwin } from "./host_store.ts";
import { databaseCapabilities, openedStore } from "./shapes.ts";

/** What a host can be told. */
export interface WorkerHostOptions {
  readonly deadlines?: Partial<HostDeadlines>;
  /** The value of an environment variable; the process's own unless given. Asked only for granted names. */
  readonly variable?: (name: string) => string | undefined;
}

/** Opens plugins in Workers. The services are disposed by whoever opened them; the host itself holds nothing. */
export class WorkerHost implements PluginHost {
  readonly deadlines: HostDeadlines;
  readonly variable: (name: string) => string | undefined;

  constructor({ deadlines, variable = (name) => Deno.env.get(name) }: WorkerHostOptions = {}) {
    this.deadlines = { ...defaultDeadlines, ...deadlines };
    this.variable = variable;
  }

  /**
   * Opens a database.
   * @throws {VaultraError} What the plugin's `open` threw, or `plugin.*` when its Worker fails.
   */
  async openDatabase(
    registered: RegisteredPlugin,
    config: unknown,
    options: OpenOptions,
  ): Promise<HostedDatabase> {
    const { guest, opened } = await GuestWorker.open(registered, config, databaseCapabilities, options, this);
    return new DatabaseTwin(guest, opened);
  }

  /**
   * Opens a store.
   * @throws {VaultraError} What the plugin's `open` threw, or `plugin.*` when its Worker fails.
   */
  async openStore(registered: RegisteredPlugin, config: unknown, options: OpenOptions): Promise<ObjectStore> {
    const { guest, opened } = await GuestWorker.open(registered, config, openedStore, options, this);
    return new StoreTwin(guest, opened);
  }
}
