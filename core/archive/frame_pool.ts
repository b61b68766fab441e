import { type ErrorData, toVaultraError, VaultraError } from "../errors.ts";
import type { ChunkRun, OpenedChunks } from "../age/chunks.ts";
import type { Bytes } from "../streams/bytes.ts";
import type { FrameCodec } from "./codec.ts";
import type { Compression } from "./format.ts";

/** What a Worker of the pool is asked. */
export type FrameJob =
  | {
    readonly type: "compress";
    readonly codec: Compression;
    readonly level: number;
    readonly pieces: readonly Bytes[];
  }
  | {
    readonly type: "decompress";
    readonly codec: Compression;
    readonly frame: Bytes;
    readonly maxRaw: number;
  }
  | { readonly type: "seal"; readonly plain: Bytes; readonly run: ChunkRun }
  | { readonly type: "unseal"; readonly sealed: Bytes; readonly run: ChunkRun };

/** What it answers, in the order of the jobs. */
export type FrameAnswer =
  | {
    readonly type: "done";
    readonly bytes: Bytes;
    readonly buffers: ArrayBuffer[];
    /** Of chunks that were opened. */
    readonly opened?: Pick<OpenedChunks, "damaged" | "cut">;
  }
  | { readonly type: "failed"; readonly error: ErrorData };

/** A compressed frame, and the buffers of the pieces that went into it, in their order. */
export interface CompressedFrame {
  readonly frame: Bytes;
  readonly buffers: readonly ArrayBuffer[];
}

/** Sealed chunks, and the buffer of the plain bytes that went into them. */
export interface SealedChunks {
  readonly sealed: Bytes;
  readonly buffer: ArrayBuffer;
}

/** How a pool is opened. */
export interface FramePoolOptions {
  /** Workers at most, 1 to 64; default: one a processor core, at most 8. */
  readonly workers?: number;
  /** Ends the pool; every job fails with its reason. */
  readonly signal?: AbortSignal;
  /** The Worker's module; default: `frame_worker.ts`. */
  readonly module?: string;
}

/** A job, and whom to tell. */
interface PendingJob {
  readonly job: FrameJob;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (answer: FrameAnswer & { type: "done" }) => void;
  readonly reject: (error: VaultraError) => void;
}

/** A Worker and the jobs that it was given, oldest first. */
interface PoolWorker {
  readonly worker: Worker;
  readonly jobs: PendingJob[];
}

/** A second job waits in the Worker, so that it never waits for this thread. */
const JOBS_A_WORKER = 2;

/**
 * Workers that compress and decompress frames, and encrypt and decrypt chunks. They start when there is work for them. Jobs beyond two a Worker
 * wait in a queue; how many are in flight, and so the memory, is the caller's to bound, as is the order of results.
 * A pool that has failed once fails every job: an archive without one of its frames is none.
 *
 * @example
 * ```ts ignore
 * await using pool = FramePool.open({ signal });
 * const { frame, buffers } = await pool.compress(codecNamed("zstd"), 3, [piece]);
 * ```
 */
export class FramePool implements AsyncDisposable {
  /** Workers at most. */
  readonly size: number;
  readonly #module: string;
  readonly #workers: PoolWorker[] = [];
  readonly #queue: PendingJob[] = [];
  readonly #signal: AbortSignal | undefined;
  #failure: VaultraError | undefined;

  private constructor(options: FramePoolOptions) {
    const wanted = options.workers ?? Math.min(navigator.hardwareConcurrency, 8);
    this.size = Math.min(Math.max(Math.floor(wanted), 1), 64);
    this.#module = options.module ?? import.meta.resolve("./frame_worker.ts");
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) this.#onAbort();
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Opens a pool. Dispose it: running Workers keep the process alive. */
  static open(options: FramePoolOptions = {}): FramePool {
    return new FramePool(options);
  }

  /**
   * Compresses the pieces, joined, to one frame.
   * @param pieces Each in a buffer of its own, which is transferred and comes back with the frame.
   * @throws {VaultraError} what the codec threw, the signal's reason, or `internal.frame-worker`
   */
  compress(codec: FrameCodec, level: number, pieces: readonly Bytes[]): Promise<CompressedFrame> {
    const job = { type: "compress", codec: codec.name, level, pieces } as const;
    return this.#submit(
      job,
      pieces.map((piece) => piece.buffer),
      (answer) => ({ frame: answer.bytes, buffers: answer.buffers }),
    );
  }

  /**
   * Decompresses one frame.
   * @param frame In a buffer of its own, which is transferred and lost.
   * @throws {VaultraError} what the codec threw (`damaged.frame`), the signal's reason, or `internal.frame-worker`
   */
  decompress(codec: FrameCodec, frame: Bytes, maxRaw: number): Promise<Bytes> {
    const job = { type: "decompress", codec: codec.name, frame, maxRaw } as const;
    return this.#submit(job, [frame.buffer], (answer) => answer.bytes);
  }

  /**
   * Encrypts chunks of an age file's payload.
   * @param plain In a buffer of its own, which is transferred and comes back with the chunks.
   * @throws {VaultraError} the signal's reason, or `internal.frame-worker`
   */
  seal(plain: Bytes, run: ChunkRun): Promise<SealedChunks> {
    return this.#submit(
      { type: "seal", plain, run },
      [plain.buffer],
      (answer) => ({ sealed: answer.bytes, buffer: answer.buffers[0]! }),
    );
  }

  /**
   * Decrypts chunks of an age file's payload.
   * @param sealed In a buffer of its own, which is transferred and lost.
   * @throws {VaultraError} the signal's reason, or `internal.frame-worker`; chunks that are not authentic are told in the result
   */
  unseal(sealed: Bytes, run: ChunkRun): Promise<OpenedChunks> {
    return this.#submit(
      { type: "unseal", sealed, run },
      [sealed.buffer],
      (answer) => ({ bytes: answer.bytes, ...answer.opened! }),
    );
  }

  /** Ends the Workers; jobs under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new VaultraError("internal", "The pool of Workers is closed"));
    return Promise.resolve();
  }

  #submit<T>(
    job: FrameJob,
    transfer: readonly ArrayBuffer[],
    result: (answer: FrameAnswer & { type: "done" }) => T,
  ): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#queue.push({ job, transfer, resolve: (answer) => resolve(result(answer)), reject });
      this.#dispatch();
    });
    // A caller awaits its frames in order, so that a later one's failure may find nobody waiting yet.
    promise.catch(() => {});
    return promise;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#freeWorker();
      if (worker === undefined) return;
      const pending = this.#queue.shift()!;
      try {
        worker.worker.postMessage(pending.job, [...pending.transfer]);
      } catch (cause) {
        pending.reject(
          new VaultraError("internal", "Bytes for a Worker of the pool cannot be transferred", { cause }),
        );
        continue;
      }
      worker.jobs.push(pending);
    }
  }

  /** The Worker that has least to do, if it takes another job. */
  #freeWorker(): PoolWorker | undefined {
    let best: PoolWorker | undefined;
    for (const worker of this.#workers) {
      if (worker.jobs.length < (best?.jobs.length ?? JOBS_A_WORKER)) best = worker;
    }
    if (best?.jobs.length !== 0 && this.#workers.length < this.size) return this.#start();
    return best;
  }

  #start(): PoolWorker {
    const worker = new Worker(this.#module, { type: "module", deno: { permissions: "none" } });
    const started: PoolWorker = { worker, jobs: [] };
    worker.onmessage = ({ data }: MessageEvent<FrameAnswer>) => {
      const pending = started.jobs.shift();
      if (data.type === "done") pending?.resolve(data);
      else pending?.reject(VaultraError.fromData(data.error));
      this.#dispatch();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(workerStopped(event.message));
    };
    worker.onmessageerror = () => this.#fail(workerStopped("its answer cannot be read"));
    this.#workers.push(started);
    return started;
  }

  readonly #onAbort = (): void => this.#fail(toVaultraError(this.#signal?.reason, "interrupted"));

  #fail(error: VaultraError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const { worker } of this.#workers) worker.terminate();
    for (const { reject } of [...this.#workers.flatMap(({ jobs }) => jobs), ...this.#queue]) reject(error);
    this.#workers.length = 0;
    this.#queue.length = 0;
  }
}

function workerStopped(message: string): VaultraError {
  return new VaultraError(
    "internal.frame-worker",
    `A Worker that compresses or encrypts stopped: ${message}`,
    {
      hint: "Start the command again; if it happens again, please report it.",
    },
  );
}
