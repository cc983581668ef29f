/**
 * The outcome of one call to a cloud, common to all clouds: the class of a failure, and whether the call may still have
 * taken effect.
 */
import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { ProviderFailure } from './provider.ts';

/**
 * - `throttled`: refused before any work
 * - `maybeDone`: the vendor failed inside, or its answer was lost: it may have taken effect
 * - `clock`: the timestamp of the signature is off; nothing happened
 * - `unavailable`: an instance or its agent cannot take the command now; nothing ran
 * - `denied`: the credentials are wrong or may not do this
 * - `invalid`: the request is wrong and stays wrong
 * - `notFound`: something that it names does not exist in this region
 * - `quota`: an allowance of the account is used up
 * - `conflict`: the thing is in use, or the order is not allowed in its state
 * - `unsupported`: this action, region or feature is not on offer
 * - `tooLarge`: the answer would be too long: ask for less at a time
 */
export type ErrorClass =
  | 'throttled'
  | 'maybeDone'
  | 'clock'
  | 'unavailable'
  | 'denied'
  | 'invalid'
  | 'notFound'
  | 'quota'
  | 'conflict'
  | 'unsupported'
  | 'tooLarge';

/** Ours, for what carries no code of the vendor. */
export type OwnCode =
  /** Our own check of the documented limits refused it. */
  | 'InvalidRequest'
  /** The source of the credentials failed. */
  | 'NoCredentials'
  /** No place within our own rate limit before the deadline. */
  | 'RateLimited'
  /** No connection, or it broke off. */
  | 'Network'
  /** No whole answer before the deadline. */
  | 'Timeout'
  | 'Aborted'
  /** An HTTP status that is no answer, without the vendor's envelope. */
  | 'HttpStatus'
  /** Not the answer that the documents describe. */
  | 'InvalidAnswer';

export interface CallFailed {
  /** `notSent`: it certainly had no effect. `unknown`: it may have had its effect. */
  kind: 'notSent' | 'unknown';
  class: ErrorClass;
  failure: ProviderFailure;
}

export type CallOutcome<Answer> =
  | {
      kind: 'answered';
      answer: Answer;
      requestId: string;
      /** What the vendor's clock is ahead of ours, by the answer's Date; 0 for less than two seconds, or without one. */
      offsetMs: number;
    }
  | CallFailed;

const OWN_CLASS: Readonly<Record<OwnCode, ErrorClass>> = {
  InvalidRequest: 'invalid',
  NoCredentials: 'maybeDone',
  RateLimited: 'throttled',
  Network: 'maybeDone',
  Timeout: 'maybeDone',
  Aborted: 'maybeDone',
  HttpStatus: 'maybeDone',
  InvalidAnswer: 'maybeDone',
};

/** Of these the cloud, or the way to it, is the cause. */
const OUTAGES: ReadonlySet<OwnCode> = new Set(['Network', 'Timeout', 'HttpStatus', 'InvalidAnswer']);

/** What the vendor itself said. */
export function vendorFailed(
  errorClass: ErrorClass,
  said: Pick<ProviderFailure, 'code' | 'message' | 'advice' | 'requestId' | 'retryAfterMs' | 'isOutage'>,
): CallFailed {
  const failure: ProviderFailure = { ...said, isRetryable: isRetryable(errorClass) };
  if (errorClass === 'unavailable') failure.isUnavailable = true;
  return { kind: mayHaveTakenEffect(errorClass) ? 'unknown' : 'notSent', class: errorClass, failure };
}

/** What we found ourselves. */
export function ownFailed(
  code: OwnCode,
  message: string,
  advice: string,
  kind: CallFailed['kind'] = 'notSent',
): CallFailed {
  const errorClass = OWN_CLASS[code];
  const failure: ProviderFailure = {
    code,
    message,
    advice,
    isRetryable: isRetryable(errorClass) && code !== 'Aborted',
    ...(OUTAGES.has(code) && { isOutage: true }),
  };
  return { kind, class: errorClass, failure };
}

/** Whether the same call may succeed later. A read may be repeated at once; `clock` only once the clock is corrected. */
export function isRetryable(errorClass: ErrorClass): boolean {
  return errorClass === 'throttled' || errorClass === 'maybeDone' || errorClass === 'clock';
}

/** Whether a call with this error may still have taken effect: a write is then not repeated without looking. */
export function mayHaveTakenEffect(errorClass: ErrorClass): boolean {
  return errorClass === 'maybeDone';
}

/** An outcome as far as its reader needs it: of one call, or of several put together. */
export type AnsweredOr<Answer> = { kind: 'answered'; answer: Answer } | CallFailed;

/**
 * The answer, for callers that can only throw.
 * @throws FleetReflexError as `toError` makes it
 */
export function answerOf<Answer>(outcome: AnsweredOr<Answer>, provider: ProviderName, doing: string): Answer {
  if (outcome.kind === 'answered') return outcome.answer;
  throw toError(outcome, provider, doing);
}

/** `provider.<class>`, with the vendor's code in the details. */
export function toError(failed: CallFailed, provider: ProviderName, doing: string): FleetReflexError {
  const { code, message, advice, isRetryable, requestId, retryAfterMs } = failed.failure;
  return new FleetReflexError(`provider.${failed.class}`, `${doing}: ${code}: ${message} ${advice}`, {
    disposition: isRetryable ? 'retry' : 'drop',
    details: { provider, code, ...(requestId !== undefined && { requestId }) },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
