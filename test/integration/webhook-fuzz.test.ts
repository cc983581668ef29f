/** Whatever comes to the HTTP door is answered, in a way that is somebody's fault but ours. bench/fuzz-door.ts does more. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aDoorRequest, faultIn } from '../fixtures/door-requests.ts';
import { aLambdaContext } from '../fixtures/http-events.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

test('any request is taken or refused, and every answer is well formed', { timeout: 60_000 }, async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(aDoorRequest, async ({ event }) => {
      const door = aDoor();
      const answer = await door.handler(event, aLambdaContext());
      expect(faultIn(answer)).toBeUndefined();
      seen.add(answer.statusCode);
      // What is refused asks for nothing.
      if (answer.statusCode >= 400) expect(door.sent).toEqual([]);
    }),
    { numRuns: 2000 },
  );
  // The requests are of every kind: a fuzz that is refused at the first step says nothing of the others.
  expect([...seen].toSorted()).toEqual(expect.arrayContaining([200, 202, 400, 401, 404, 405, 415]));
});
