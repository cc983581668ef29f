/**
 * `ClientToken`: the same token with the same request gets the first answer and nothing runs twice; with another
 * request it is refused, and while the first is still in work it is refused for now.
 */
import { apiError } from './api-error.ts';

interface Entry {
  fingerprint: string;
  at: number;
  /** Absent while it is in work. */
  answer?: object;
}

interface Idempotence {
  /** @returns the answer of `perform`, or of the first time that it was called with this token. @throws ApiError */
  once(token: string | undefined, fingerprint: () => string, perform: () => Promise<object>): Promise<object>;
}

/** @param lifetimeMs how long a token is known; the vendor does not say */
export function createIdempotence(lifetimeMs: number, epochMs: () => number): Idempotence {
  const entries = new Map<string, Entry>();
  return {
    async once(token, fingerprint, perform) {
      if (token === undefined) return perform();
      if (!/^[\x20-\x7e]{1,64}$/.test(token)) throw apiError('InvalidClientToken.Malformed');
      const asked = fingerprint();
      const known = entries.get(token);
      if (known !== undefined && epochMs() - known.at < lifetimeMs) {
        if (known.fingerprint !== asked) throw apiError('IdempotentParameterMismatch');
        if (known.answer === undefined) throw apiError('IdempotentProcessing');
        return known.answer;
      }
      const entry: Entry = { fingerprint: asked, at: epochMs() };
      entries.set(token, entry);
      try {
        entry.answer = await perform();
        return entry.answer;
      } catch (error) {
        // It was refused, so the token is free again.
        entries.delete(token);
        throw error;
      }
    },
  };
}
