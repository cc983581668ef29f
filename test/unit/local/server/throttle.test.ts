/** The frequency limits of the local clouds: in any second at one, until the next minute begins at the other. */
import { expect, test } from 'vitest';
import { createThrottle, type Limit } from '../../../../local/server/throttle.ts';

/** @returns whether each of these requests, `<time> <key>`, is admitted */
function admitted(limit: Limit, requests: readonly string[]): boolean[] {
  let now = 0;
  const throttle = createThrottle(limit, () => now);
  return requests.map((request) => {
    const [at, key = ''] = request.split(' ');
    now = Number(at);
    return throttle.admits(key);
  });
}

test('a sliding limit is for any such time, for each key by itself, and does not count what it refuses', () => {
  const requests = ['0 a', '0 a', '0 a', '0 b', '999.9 a', '1000 a', '1000 a', '1000 a'];
  expect(admitted({ requests: 2, windowMs: 1000, window: 'sliding' }, requests)).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
    true,
    false,
  ]);
});

test('a limit by the clock ends with the minute, however late in it the requests came', () => {
  const requests = ['59000 a', '59500 a', '59999 a', '59999 b', '60000 a', '60000 a', '119999 a'];
  expect(admitted({ requests: 2, windowMs: 60_000, window: 'clock' }, requests)).toEqual([
    true,
    true,
    false,
    true,
    true,
    true,
    false,
  ]);
});
