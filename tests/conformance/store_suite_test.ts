import { FileStore } from "../../stores/file/store.ts";
import { MemoryStore } from "../fakes/memory_store.ts";
import { StoreDecorator } from "../fakes/store_decorator.ts";
import { syncFolder } from "../fakes/sync_folder.ts";
import { storeSuite } from "./store_suite.ts";

/** A store in a folder that is removed with it. */
class TemporaryStore extends StoreDecorator {
  readonly #folder: string;

  constructor(folder: string) {
    super(new FileStore(`${folder}/new/root`, { signal: new AbortController().signal, syncFolder }));
    this.#folder = folder;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

storeSuite("memory", () => Promise.resolve(new MemoryStore()));
storeSuite("file", async () => new TemporaryStore(await Deno.makeTempDir()));
