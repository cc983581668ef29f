/**
 * Keeps the process of the functions running: when it ends, the next one is started at once. One that ends by itself again and again
 * before it is ready is given up; one that somebody kills is not, for that is how a crash is rehearsed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../lib/errors.ts';
import type { FunctionUrls } from './function-ports.ts';
import { type Ending, messageOfEnding, type OfflineProcess } from './offline-process.ts';

export interface Kept {
  /** Of the first one. */
  first: FunctionUrls;
  /** The process that is ready, or the next one. */
  whenReady(): Promise<OfflineProcess>;
  /** Resolves with what was wrong when no process can be started any more. */
  gaveUp: Promise<string>;
  stop(): Promise<void>;
}

interface Options {
  /** @param first absent for the first one */
  start: (first: FunctionUrls | undefined) => Promise<OfflineProcess>;
  /** Told each end, and each new start. */
  onNotice: (message: string) => void;
  signal: AbortSignal | undefined;
}

/** Starts in a row that fail by themselves; the first one alone fails at once. */
const TRIES = 5;
const FIRST_WAIT_MS = 250;

/** @throws what is wrong with the first process */
export async function keepRunning({ start, onNotice, signal }: Options): Promise<Kept> {
  const stopping = new AbortController();
  let ready = Promise.withResolvers<OfflineProcess>();
  let running = await start(undefined);
  const first = await readyOrStopped(running, signal);
  ready.resolve(running);

  /** @returns whether the next one is ready */
  const startNext = async (): Promise<boolean> => {
    running = await start(first);
    // Stopped while it was being started.
    if (stopping.signal.aborted) await running.stop();
    try {
      await readyOrStopped(running, stopping.signal);
      return true;
    } catch (thrown) {
      if (stopping.signal.aborted) throw thrown;
      onNotice(`The functions could not be started again: ${messageOf(thrown)}`);
      return false;
    }
  };

  const keep = async (): Promise<string> => {
    for (;;) {
      const ending = await running.ended;
      stopping.signal.throwIfAborted();
      ready = Promise.withResolvers();
      await running.stop();
      onNotice(
        `${shortly(ending)}; they are started again. What was asked of them is in the queues and the table.`,
      );
      const beganMs = performance.now();
      for (let failed = 0; !(await startNext()); ) {
        const last = await running.ended;
        // One that is killed while it starts has not failed.
        failed += last.signal === null ? 1 : 0;
        if (failed === TRIES) {
          return `The functions could not be started ${TRIES} times in a row, so the stack ends. ${messageOfEnding(last)}`;
        }
        await sleep(FIRST_WAIT_MS * 2 ** failed, undefined, { signal: stopping.signal });
      }
      onNotice(`The functions are back after ${((performance.now() - beganMs) / 1000).toFixed(1)} s.`);
      ready.resolve(running);
    }
  };
  const gaveUp = Promise.withResolvers<string>();
  const kept = keep().then(gaveUp.resolve, (thrown: unknown) => {
    if (!stopping.signal.aborted) gaveUp.resolve(messageOf(thrown));
  });
  return {
    first,
    whenReady: () => ready.promise,
    gaveUp: gaveUp.promise,
    async stop() {
      stopping.abort();
      await running.stop();
      await kept;
      // The one that was being started meanwhile.
      await running.stop();
    },
  };
}

async function readyOrStopped(
  process: OfflineProcess,
  signal: AbortSignal | undefined,
): Promise<FunctionUrls> {
  try {
    return await process.ready(signal);
  } catch (thrown) {
    await process.stop();
    throw thrown;
  }
}

function shortly({ code, signal }: Ending): string {
  return `The functions ended ${code === null ? `by ${String(signal)}` : `with exit code ${code}`}`;
}
