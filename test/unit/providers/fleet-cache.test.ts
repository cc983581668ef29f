/** Which instances a tagged fleet has is asked once for all runs of a process, and never guessed. */
import { expect, test } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import { fleetCache } from '../../../lib/providers/fleet-cache.ts';

const WEB = { name: 'web', tags: { role: 'web', stage: 'prod' } };
const PLACE = { provider: 'tencent', region: 'ap-guangzhou' };

function aCache({ maxAgeMs = 120_000 } = {}) {
  let nowMs = 0;
  let calls = 0;
  let answer: () => Promise<string[]> = async () => ['ins-1'];
  const cache = fleetCache({
    providers: {
      tencent: {
        instancesWithTags: () => {
          calls += 1;
          return answer();
        },
      },
      small: {},
    },
    maxAgeMs,
    now: () => new Date(nowMs),
  });
  return {
    read: async (fleet = WEB, place = PLACE) => (await cache.read(fleet, place)).instances,
    calls: () => calls,
    answers: (next: typeof answer) => {
      answer = next;
    },
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('runs that come at once share one call, and so do those of the next minutes', async () => {
  const world = aCache();
  const all = await Promise.all(Array.from({ length: 500 }, () => world.read()));
  expect(new Set(all.map((one) => one.join()))).toEqual(new Set(['ins-1']));
  world.advance(119_999);
  await world.read();
  expect(world.calls()).toBe(1);
});

test('a fleet that grew is seen when what was known is old', async () => {
  const world = aCache();
  await world.read();
  world.answers(async () => ['ins-1', 'ins-2', 'ins-2']);
  world.advance(120_000);
  expect(await world.read()).toEqual(['ins-1', 'ins-2']);
  expect(world.calls()).toBe(2);
});

test('a failure is nobody else’s: the next run asks again', async () => {
  const world = aCache();
  world.answers(async () => {
    throw new FleetReflexError('provider.throttled', 'too many', { disposition: 'retry' });
  });
  const failed = await Promise.allSettled([world.read(), world.read()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  world.answers(async () => ['ins-1']);
  expect(await world.read()).toEqual(['ins-1']);
  expect(world.calls()).toBe(2);
});

test('no instance is not remembered: a fleet that comes up is seen at once', async () => {
  const world = aCache();
  world.answers(async () => []);
  expect(await world.read()).toEqual([]);
  world.answers(async () => ['ins-1']);
  expect(await world.read()).toEqual(['ins-1']);
});

test('other tags and other regions are other fleets; the order of tags and the name are not', async () => {
  const world = aCache();
  await world.read();
  await world.read({ name: 'other-name', tags: { stage: 'prod', role: 'web' } });
  expect(world.calls()).toBe(1);
  await world.read({ name: 'web', tags: { role: 'web', stage: 'test' } });
  await world.read(WEB, { provider: 'tencent', region: 'ap-beijing' });
  expect(world.calls()).toBe(3);
});

test('with 0 each run asks', async () => {
  const world = aCache({ maxAgeMs: 0 });
  await world.read();
  await world.read();
  expect(world.calls()).toBe(2);
});

test('a cloud that knows no tags says so', async () => {
  const world = aCache();
  await expect(world.read(WEB, { provider: 'small', region: 'sc-1' })).rejects.toMatchObject({
    code: 'provider.unsupported',
  });
});
