/**
 * Whether a place is worth a try now. Each process remembers for itself that a place is down, so that a thousand events
 * for it do not hold up those for another by a time-out each.
 */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export interface Circuit {
  /** How long it is left alone from now on; 0: try it. */
  pauseMs(): number;
  /** @param retryAfterMs what it asked for itself */
  failed(retryAfterMs: number | undefined): void;
  succeeded(): void;
}

export function circuit(now: () => Date): Circuit {
  let failures = 0;
  let until = 0;
  return {
    pauseMs: () => Math.max(0, until - now().getTime()),
    failed(retryAfterMs) {
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      failures = Math.min(failures + 1, 10);
      until = now().getTime() + (retryAfterMs ?? pauseMs);
    },
    succeeded() {
      failures = 0;
      until = 0;
    },
  };
}
