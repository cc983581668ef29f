/** The rates of a cloud, divided among all environments of all functions. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { createRateLimiter } from '../../../lib/providers/rate-limiter.ts';
import { RequestShares, shareOf, shareOfRate } from '../../../lib/providers/request-shares.ts';
import { createManualClock } from './manual-clock.ts';

const File = z.object({
  functions: z.record(
    z.string(),
    z.object({
      reservedConcurrency: z.int(),
      environment: z.object({ REQUEST_SHARES: RequestShares.optional() }).default({}),
    }),
  ),
});
const { functions } = File.parse(
  parse(readFileSync(new URL('../../../serverless.yml', import.meta.url), 'utf8'), { merge: true }),
);
/** What the vendor takes, in any second of an account. */
const VENDOR_LIMIT = 20;
/** A second of the vendor is a little longer for us (lib/providers/tencent/client.ts). */
const WINDOW_MS = 1050;
/** `POST /runs/{runId}/cancel` lets in 5 a second, in all environments of `runs` together. */
const CANCELS_A_SECOND = 5;

describe('in serverless.yml', () => {
  it.each([
    'InvokeCommand',
    'DescribeInvocations',
    'DescribeInvocationTasks',
    'DescribeInvocationResults',
    'DescribeAutomationAgentStatus',
    'CancelInvocation',
    'StopInvocation',
    'DescribeInvokers',
    'DescribeInstances',
  ])('all environments together take no more of %s than there is', (action) => {
    const ofQueues = ['dispatch', 'poller'].map((name) => {
      const { reservedConcurrency = 0, environment } = functions[name] ?? {};
      const shares = environment?.REQUEST_SHARES;
      return shares === undefined ? Number.NaN : reservedConcurrency * shareOf(shares, action);
    });
    const isCancel = action === 'CancelInvocation' || action === 'StopInvocation';
    const ofRuns = isCancel ? CANCELS_A_SECOND / VENDOR_LIMIT : 0;
    expect(ofQueues.reduce((sum, share) => sum + share, ofRuns)).toBeLessThanOrEqual(1 + 1e-9);
  });

  it('only functions that ask the clouds have a share', () => {
    const asking = Object.entries(functions).filter(([, { environment }]) => environment.REQUEST_SHARES);
    expect(asking.map(([name]) => name)).toEqual(['dispatch', 'poller', 'runs']);
  });
});

/** 500 commands at once, dealt to environments with these shares; how many a vendor that counts any second refuses. */
async function storm(shares: readonly number[]): Promise<{ refused: number; seconds: number }> {
  const clock = createManualClock();
  const limiters = shares.map((share) =>
    createRateLimiter({ ...shareOfRate(VENDOR_LIMIT, share, WINDOW_MS), clock }),
  );
  const sentAt: number[] = [];
  for (let at = 0; at < 500; at += 1) {
    void limiters[at % limiters.length]?.take('invoke').then(() => sentAt.push(clock.monotonicMs()));
  }
  await clock.advance(120_000);
  const admitted: number[] = [];
  for (const time of sentAt) {
    if (admitted.filter((before) => time - before < 1000).length < VENDOR_LIMIT) admitted.push(time);
  }
  return { refused: sentAt.length - admitted.length, seconds: Math.round((sentAt.at(-1) ?? 0) / 1000) };
}

describe('a storm of 500 commands from two environments', () => {
  const shares = functions['dispatch']?.environment.REQUEST_SHARES ?? new Map();
  it('is refused half of them when each takes all of the rate', async () => {
    expect(await storm([1, 1])).toEqual({ refused: 240, seconds: 13 });
  });

  it('is refused none with the shares that they have, and takes no longer than the rate makes it', async () => {
    const share = shareOf(shares, 'InvokeCommand');
    expect(await storm([share, share])).toEqual({ refused: 0, seconds: 28 });
  });
});

test.each([
  ['InvokeCommand=0.45 *=0.05', [0.45, 0.05]],
  ['*=1', [1, 1]],
  ['*=.5', [0.5, 0.5]],
  ['InvokeCommand=2.5 DescribeInvocations=0.1 *=1', [2.5, 1]],
])('%s is read', (text, [invoke, other]) => {
  const shares = RequestShares.parse(text);
  expect([shareOf(shares, 'InvokeCommand'), shareOf(shares, 'StopInvocation')]).toEqual([invoke, other]);
});

test.each(['', '0.5', 'InvokeCommand=0.5', '*=0', '*=-1', '*=0.1 InvokeCommand=0.5', '*=1, a=1', '*=NaN'])(
  '%j is refused',
  (text) => {
    expect(RequestShares.safeParse(text).success).toBe(false);
  },
);

test.each([
  [20, 1, { limit: 20, windowMs: 1000 }],
  [20, 0.45, { limit: 9, windowMs: 1000 }],
  [20, 0.49, { limit: 9, windowMs: 1000 }],
  [20, 0.04, { limit: 1, windowMs: 1250 }],
  [Number.POSITIVE_INFINITY, 0.04, { limit: Number.POSITIVE_INFINITY, windowMs: 1000 }],
])(
  '%s a second, of which %s: a whole number of requests in the window that it takes',
  (perSecond, share, window) => {
    expect(shareOfRate(perSecond, share, 1000)).toEqual(window);
  },
);
