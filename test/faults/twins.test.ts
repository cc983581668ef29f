/**
 * Runs that ask for the same on the same instances, at a cloud that cannot tell them apart: in every order, whatever is
 * lost, late or dead, each is executed once, and none takes the invocation of another for its own.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { everyOrder, FATES, type Fate, type Outcome, type Plan, playTwins } from '../fixtures/twin-model.ts';

/** Which runs are the same whichever is called the first. */
const PAIRS = FATES.flatMap((one, at) => FATES.slice(at).map((two): [Fate, Fate] => [one, two]));
/** More than a process has steps. */
const STEPS = 12;

/** Each run was executed once, and has its own invocation. */
function expectOneEach(
  outcome: Outcome,
  plan: Pick<Plan, 'fates' | 'deaths'>,
  order: readonly number[],
): void {
  const { runs, executions, successes } = outcome;
  const isOnce = runs.every((run) => run.executions === 1 && run.adopted.length === 0);
  if (isOnce && executions === runs.length && successes === runs.length) return;
  fail(outcome, plan, order, 'expected each run to be executed once and to have its own invocation');
}

/** Nothing is said to have succeeded that was not executed, and everything ends. */
function expectNoFalseSuccess(outcome: Outcome, plan: Pick<Plan, 'fates'>, order: readonly number[]): void {
  const { runs, executions, successes } = outcome;
  if (executions >= successes && runs.every(({ status }) => status !== 'dispatching')) return;
  fail(outcome, plan, order, 'expected no fewer executions than successes, and every run to end');
}

function fail({ trace, ...outcome }: Outcome, plan: object, order: readonly number[], what: string): never {
  const facts = JSON.stringify({ ...plan, order, ...outcome });
  expect.fail(`${what}, got ${facts} by\n${trace.join('\n')}`);
}

describe('two runs that look the same', { timeout: 240_000 }, () => {
  test('in every order of their steps, whatever becomes of their calls', async () => {
    let orders = 0;
    for (const pair of PAIRS) {
      const fates = pair.map((fate) => [fate]);
      orders += await everyOrder(async (choose, order) => {
        expectOneEach(await playTwins({ fates, choose }), { fates }, order());
      });
    }
    expect(orders).toBeGreaterThan(800);
  });

  test('one of which dies before any of its steps, in every order', async () => {
    let deathsSeen = 0;
    for (let at = 1; at <= STEPS; at += 1) {
      for (const other of FATES) {
        const plan = { fates: [['answered'], [other]] satisfies Fate[][], deaths: new Map([[0, at]]) };
        await everyOrder(async (choose, order) => {
          const outcome = await playTwins({ ...plan, choose });
          if (outcome.trace.some((line) => line.includes('dies before'))) deathsSeen += 1;
          expectOneEach(outcome, plan, order());
        });
      }
    }
    expect(deathsSeen).toBeGreaterThan(1_000);
  });

  test('a request that arrives after the settling time may run once more, and is never a false success', async () => {
    for (const other of [...FATES, 'muchTooLate'] as const) {
      const fates: Fate[][] = [['muchTooLate'], [other]];
      await everyOrder(async (choose, order) => {
        expectNoFalseSuccess(await playTwins({ fates, choose }), { fates }, order());
      });
    }
  });
});

/** What a sample is made of; `choices` are used up one by one, and then the first of each is taken. */
const sample = (runs: number, fates: readonly Fate[]) =>
  fc.record({
    fates: fc.array(fc.array(fc.constantFrom(...fates), { maxLength: 3 }), {
      minLength: runs,
      maxLength: runs,
    }),
    deaths: fc.array(fc.tuple(fc.nat(runs * 4), fc.integer({ min: 1, max: STEPS })), { maxLength: 4 }),
    skewsMs: fc.array(fc.integer({ min: -1_500, max: 1_500 }), { minLength: runs, maxLength: runs }),
    choices: fc.array(fc.nat(119), { maxLength: 120 }),
  });

describe.each([2, 3])('%i runs that look the same, each worked at by several processes', (runs) => {
  const settings = { numRuns: 1_500, seed: 20_261_121 + runs };

  test('are executed once each, whatever is lost, late, throttled, dead, or skewed', {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(sample(runs, FATES), async ({ deaths, choices, ...plan }) => {
        const left = [...choices];
        const given = { ...plan, deaths: new Map(deaths) };
        const choose = (among: number) => (left.shift() ?? 0) % among;
        expectOneEach(await playTwins({ ...given, choose, isThorough: true }), given, choices);
      }),
      settings,
    );
  });

  test('never succeed more often than they are executed, requests out of time included', {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(sample(runs, [...FATES, 'muchTooLate']), async ({ deaths, choices, ...plan }) => {
        const left = [...choices];
        const given = { ...plan, deaths: new Map(deaths) };
        const choose = (among: number) => (left.shift() ?? 0) % among;
        expectNoFalseSuccess(await playTwins({ ...given, choose, isThorough: true }), given, choices);
      }),
      settings,
    );
  });
});
