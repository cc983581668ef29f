/**
 * The share of a cloud's request rates that one environment of a function takes. The clouds count all requests of an
 * account together, and each environment only knows its own: so the rates are divided beforehand, in serverless.yml,
 * by how many environments of each function there can be.
 */
import * as z from 'zod';

const NUMBER = String.raw`(?:0?\.\d+|[1-9]\d*(?:\.\d+)?)`;
const SHARES = new RegExp(String.raw`^(?:\w+=${NUMBER} )*\*=${NUMBER}$`);

/** By action, `*` for all others: `InvokeCommand=0.45 *=0.05`. Above 1 for an account whose quota is larger. */
export const RequestShares = z
  .string()
  .regex(SHARES, 'expected shares such as InvokeCommand=0.45 *=0.05, the one of * last')
  .transform((text): ReadonlyMap<string, number> => {
    const entries = text.split(' ').map((entry) => entry.split('='));
    return new Map(entries.map(([action = '', share]) => [action, Number(share)]));
  });
export type RequestShares = z.output<typeof RequestShares>;

/** All of every rate, for a process that is the only one. */
export const WHOLE: RequestShares = new Map([['*', 1]]);

export function shareOf(shares: RequestShares, action: string): number {
  return shares.get(action) ?? shares.get('*') ?? 1;
}

/**
 * The limit of a window for a share of a rate, as `createRateLimiter` takes it. A limit counts whole requests: less than
 * one a second is one in a longer window.
 * @param windowMs what a second of the vendor is for us; never less, or two windows' requests could meet in one second
 */
export function shareOfRate(
  requestsPerSecond: number,
  share: number,
  windowMs: number,
): { limit: number; windowMs: number } {
  const rate = requestsPerSecond * share;
  return rate < 1
    ? { limit: 1, windowMs: windowMs / rate }
    : { limit: rate === Infinity ? rate : Math.floor(rate), windowMs };
}
