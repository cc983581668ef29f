/**
 * What `setTimeout` of `node:timers/promises` is for lib/ in a process of this suite: who sleeps tells the host, which
 * moves the clock when all others wait too.
 */
import { setTimeout as actual } from 'node:timers/promises';
import type { FromFunctions } from './messages.ts';

const sleeping = new Map<number, () => void>();
let count = 0;
/** Below it the time is really waited for: calls that are gathered, not work that is put off. */
const REAL_MS = 25;

export async function sleep<Value>(ms: number, value?: Value): Promise<Value | undefined> {
  if (ms <= REAL_MS) {
    await actual(ms);
    return value;
  }
  count += 1;
  const id = count;
  const { promise, resolve } = Promise.withResolvers<void>();
  sleeping.set(id, resolve);
  process.send?.({ kind: 'sleep', id, ms } satisfies FromFunctions);
  await promise;
  return value;
}

export function wake(ids: readonly number[]): void {
  for (const id of ids) {
    sleeping.get(id)?.();
    sleeping.delete(id);
  }
}
