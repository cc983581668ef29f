/** What is asked for together is done together. */
import { describe, expect, it } from 'vitest';
import { together } from '../../../lib/store/together.ts';

describe('what one process asks for', () => {
  it('at once is one piece of work, and each gets its own answer', async () => {
    const works: number[][] = [];
    const double = together(
      async (all: readonly number[]) => {
        works.push([...all]);
        return all.map((one) => one * 2);
      },
      { max: 3 },
    );
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(works).toEqual([[1, 2, 3], [4]]);
  });

  it('while a piece is on its way is the next piece', async () => {
    const works: number[][] = [];
    const { promise: first, resolve } = Promise.withResolvers<void>();
    const one = together(
      async (all: readonly number[]) => {
        works.push([...all]);
        if (works.length === 1) await first;
        return all;
      },
      { max: 10 },
    );
    const begun = one(1);
    while (works.length === 0) await new Promise(setImmediate);
    const rest = [2, 3].map(one);
    resolve();
    expect(await Promise.all([begun, ...rest])).toEqual([1, 2, 3]);
    expect(works).toEqual([[1], [2, 3]]);
  });

  it('fails for each of a piece, and what comes after is tried', async () => {
    let calls = 0;
    const one = together(
      async (all: readonly number[]) => {
        calls += 1;
        if (calls === 1) throw new Error('not now');
        return all;
      },
      { max: 10 },
    );
    expect(await Promise.allSettled([1, 2].map(one))).toMatchObject([
      { reason: { message: 'not now' } },
      { reason: { message: 'not now' } },
    ]);
    expect(await one(3)).toBe(3);
  });
});
