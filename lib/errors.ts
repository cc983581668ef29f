/**
 * The error type of the project. The error decides the reaction: a queue batch retries, waits or gives up by
 * `disposition`, and the HTTP edge answers `status`. Match on `code`, never on text.
 */

/**
 * - `retry`: may succeed when tried again (network, rate limit, an internal error of the other side)
 * - `drop`: will never succeed; the record says why and the message is done
 * - `hold`: must not be decided by a machine; it goes to the dead-letter queue for a person
 */
export type Disposition = 'retry' | 'drop' | 'hold';

export interface FleetReflexErrorOptions {
  /** What to do with the message that caused it. Default `drop`. */
  disposition?: Disposition;
  /** For `retry`: not before this many milliseconds. */
  retryAfterMs?: number;
  /** Facts that are safe to log and to show: no secret, no body, no expected signature. */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

export class FleetReflexError extends Error {
  /** Stable, for programs: `rules.invalid`, `provider.throttled`, … */
  readonly code: string;
  readonly disposition: Disposition;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  /** @param message what was expected, what came, what to do */
  constructor(code: string, message: string, options: FleetReflexErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FleetReflexError';
    this.code = code;
    this.disposition = options.disposition ?? 'drop';
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }
}

/** The text of anything that was thrown, for logs and reasons. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
