/**
 * How long to wait before trying a vendor again: exponential with full jitter, so that many callers that were
 * refused together do not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export interface BackoffOptions {
  /** The widest wait before the first repetition, in milliseconds. Default 200. */
  baseMs?: number;
  /** No wait is ever longer, in milliseconds. Default 5000. */
  capMs?: number;
  /** Uniform in [0, 1). Default `Math.random`. */
  random?: () => number;
}

/** @param repetition 0 for the wait before the first repetition. @returns 0 … min(capMs, baseMs * 2^repetition) */
export function backoffMs(repetition: number, options: BackoffOptions = {}): number {
  const { baseMs = 200, capMs = 5000, random = Math.random } = options;
  return random() * Math.min(capMs, baseMs * 2 ** repetition);
}
