/**
 * `ClientToken`: the same token with the same request gets the first answer and nothing runs twice; with another
 * request it is refused, and while the first is still in work it is refused for now.
 */
import { apiError } from './api-error.ts';

type Entry =
  | { kind: 'working'; fingerprint: string; at: number }
  | { kind: 'done'; fingerprint: string; at: number; answer: object };

export interface Idempotence {
  /** @returns the first answer, or undefined: do it, then call `finish` or `abandon`. @throws ApiError */
  begin(token: string, fingerprint: string): object | undefined;
  finish(token: string, answer: object): void;
  /** It was refused, so the token is free again. */
  abandon(token: string): void;
}

/** @param lifetimeMs how long a token is known; the vendor does not say */
export function createIdempotence(lifetimeMs: number, epochMs: () => number): Idempotence {
  const entries = new Map<string, Entry>();
  return {
    begin(token, fingerprint) {
      if (!/^[\x20-\x7e]{1,64}$/.test(token)) throw apiError('InvalidClientToken.Malformed');
      const known = entries.get(token);
      const isAlive = known !== undefined && epochMs() - known.at < lifetimeMs;
      if (!isAlive) {
        entries.set(token, { kind: 'working', fingerprint, at: epochMs() });
        return undefined;
      }
      if (known.fingerprint !== fingerprint) throw apiError('IdempotentParameterMismatch');
      if (known.kind === 'working') throw apiError('IdempotentProcessing');
      return known.answer;
    },
    finish(token, answer) {
      const known = entries.get(token);
      if (known !== undefined) entries.set(token, { ...known, kind: 'done', answer });
    },
    abandon(token) {
      entries.delete(token);
    },
  };
}
