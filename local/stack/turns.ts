/**
 * So many calls of each function at a time; the others wait for their turn. serverless-offline starts an instance for
 * each call that finds none idle, and fifty that start at once on a laptop run out of time before the first is ready.
 */
export type Turns = <Result>(name: string, work: () => Promise<Result>) => Promise<Result>;

export function createTurns(atATime: number): Turns {
  const working = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();

  const begin = async (name: string): Promise<void> => {
    const count = working.get(name) ?? 0;
    if (count < atATime) {
      working.set(name, count + 1);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
    await promise;
  };

  const end = (name: string): void => {
    // Who waited longest takes the place, which therefore stays counted.
    const next = waiting.get(name)?.shift();
    if (next === undefined) working.set(name, (working.get(name) ?? 1) - 1);
    else next();
  };

  return async (name, work) => {
    await begin(name);
    try {
      return await work();
    } finally {
      end(name);
    }
  };
}
