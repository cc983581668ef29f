/**
 * What many in one process ask for at about the same time is done as one: while one piece of work is on its way, what
 * comes meanwhile is gathered for the next.
 */
import { setTimeout as wait } from 'node:timers/promises';

export interface TogetherOptions {
  /** At most so many in one piece of work. */
  max: number;
  /** The first of a piece waits so long for others, in milliseconds. Default 0: the turn of the event loop. */
  gatherMs?: number;
  /** Default: by this machine's clock. */
  sleep?: Sleep | undefined;
}

/** Waits so many milliseconds. */
export type Sleep = (ms: number) => Promise<unknown>;

/**
 * @param work does them all, and answers each in its place; what it throws is thrown to each of them
 * @example const put = together((records) => putAll(table, records), { max: 25 });
 */
export function together<Asked, Answer>(
  work: (all: readonly Asked[]) => Promise<readonly Answer[]>,
  { max, gatherMs = 0, sleep = wait }: TogetherOptions,
): (asked: Asked) => Promise<Answer> {
  let waiting: { asked: Asked; answer: PromiseWithResolvers<Answer> }[] = [];
  let isAtWork = false;

  const run = async (): Promise<void> => {
    isAtWork = true;
    while (waiting.length > 0) {
      if (waiting.length < max) await sleep(gatherMs);
      const batch = waiting.slice(0, max);
      waiting = waiting.slice(max);
      try {
        const answers = await work(batch.map(({ asked }) => asked));
        batch.forEach(({ answer }, index) => {
          const own = answers.at(index);
          if (own === undefined) answer.reject(new Error('the work has an answer for each that asked'));
          else answer.resolve(own);
        });
      } catch (thrown) {
        for (const { answer } of batch) answer.reject(thrown);
      }
    }
    isAtWork = false;
  };

  return (asked) => {
    const answer = Promise.withResolvers<Answer>();
    waiting.push({ asked, answer });
    if (!isAtWork) void run();
    return answer.promise;
  };
}
