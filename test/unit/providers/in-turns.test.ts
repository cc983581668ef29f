import { expect, test } from 'vitest';
import { inTurns } from '../../../lib/providers/in-turns.ts';

test.each([
  { items: 10, concurrency: 3, most: 3 },
  { items: 2, concurrency: 8, most: 2 },
  { items: 0, concurrency: 8, most: 0 },
])(
  '$items items, $concurrency at once: the order is kept, the limit too',
  async ({ items, concurrency, most }) => {
    const list = Array.from({ length: items }, (_, index) => index);
    let under = 0;
    let seen = 0;
    const results = await inTurns(list, concurrency, async (item) => {
      under += 1;
      seen = Math.max(seen, under);
      // The later ones end first.
      for (let turn = 0; turn < items - item; turn += 1) await Promise.resolve();
      under -= 1;
      return item * 2;
    });
    expect({ results, seen }).toEqual({ results: list.map((item) => item * 2), seen: most });
  },
);
