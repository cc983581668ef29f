/**
 * What the awaits of lib/ report to in a process of this suite: it counts the places that are passed, and kills the process
 * at the one that it was told. Nothing is caught, flushed or told then: it is gone, as after `kill -9`.
 */
import type { Death } from './messages.ts';
import { sleep } from './sleeping.ts';

declare global {
  var __awaited: (place: string, value: unknown) => Promise<unknown>;
  var __pages: (place: string, value: AsyncIterable<unknown>) => AsyncIterable<unknown>;
  var __sleep: typeof sleep;
}

/** How often each place was passed, by `<when> <place>`. */
export const passed = new Map<string, number>();
let death: Death | undefined;

/** Counts from here on. */
export function dieAt(given: Death | undefined): void {
  passed.clear();
  death = given;
}

function pass(when: Death['when'], place: string): void {
  const key = `${when} ${place}`;
  const count = (passed.get(key) ?? 0) + 1;
  passed.set(key, count);
  if (death?.place === place && death.when === when && death.n === count)
    process.kill(process.pid, 'SIGKILL');
}

/** To be called before the functions are loaded. */
export function reportPlaces(): void {
  globalThis.__sleep = sleep;
  globalThis.__awaited = async (place, value) => {
    pass('before', place);
    try {
      return await value;
    } finally {
      pass('after', place);
    }
  };
  globalThis.__pages = (place, value) => ({
    [Symbol.asyncIterator]() {
      const pages = value[Symbol.asyncIterator]();
      return {
        next: async () => {
          pass('before', place);
          const page = await pages.next();
          pass('after', place);
          return page;
        },
        return: async (last?: unknown) => (await pages.return?.(last)) ?? { done: true, value: last },
      };
    },
  });
}
