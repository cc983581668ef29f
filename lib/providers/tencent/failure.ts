/** How a TAT call can fail, and whether it may have had its effect all the same. */
import { type Disposition, FleetReflexError } from '../../errors.ts';
import type { ProviderFailure } from '../provider.ts';
import { type ErrorClass, explainErrorCode, isRetryable, mayHaveTakenEffect } from './error-codes.ts';

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
  /** An HTTP status other than 200 without the vendor's envelope. */
  | 'HttpStatus'
  /** 200, but not the answer that the documents describe. */
  | 'InvalidAnswer';

export interface CallFailure {
  /** The vendor's code, or one of ours. */
  code: string;
  message: string;
  /** One sentence for the person who is on call. */
  advice: string;
  class: ErrorClass;
  /** `none`: certainly nothing happened. `maybe`: it may have had its effect. */
  effect: 'none' | 'maybe';
  requestId?: string;
  /** Not before this many milliseconds. */
  retryAfterMs?: number;
}

const OWN_ADVICE: Readonly<Record<OwnCode, string>> = {
  InvalidRequest: "Mend the rule or the event: the request is outside the vendor's documented limits.",
  NoCredentials: 'Check where the credentials of this provider come from: they could not be read.',
  RateLimited:
    'Too many requests at once: fewer pollers or scripts should share this account, if it stays so.',
  Network: 'Check that this machine reaches the TAT endpoint: DNS, proxy, firewall.',
  Timeout: 'The endpoint is slow or not reachable: check the network, and look whether the command ran.',
  Aborted: 'The call was cancelled from our side.',
  HttpStatus:
    "Something between here and TAT answered: check the endpoint, proxies, and the vendor's status page.",
  InvalidAnswer: 'Check that the configured endpoint is TAT: its answer has not the documented form.',
};
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
const THROTTLED_RETRY_MS = 1000;

/** What the vendor said in `Response.Error`. */
export function vendorFailure(code: string, message: string, requestId: string | undefined): CallFailure {
  const meaning = explainErrorCode(code);
  return {
    code,
    message,
    advice: meaning.advice,
    class: meaning.class,
    effect: mayHaveTakenEffect(meaning.class) ? 'maybe' : 'none',
    ...(requestId === undefined ? {} : { requestId }),
    ...(meaning.class === 'throttled' ? { retryAfterMs: THROTTLED_RETRY_MS } : {}),
  };
}

export function ownFailure(code: OwnCode, message: string, effect: CallFailure['effect']): CallFailure {
  return {
    code,
    message,
    advice: OWN_ADVICE[code],
    class: OWN_CLASS[code],
    effect,
    ...(code === 'RateLimited' ? { retryAfterMs: THROTTLED_RETRY_MS } : {}),
  };
}

/** May the same call succeed later? For a read that is all there is to ask. */
export function isWorthRepeating(failure: CallFailure): boolean {
  return isRetryable(failure.class) && failure.code !== 'Aborted';
}

/** Is it safe to send the same write again without looking what became of it? */
export function isSafeToRepeat(failure: CallFailure): boolean {
  return failure.effect === 'none' && isWorthRepeating(failure);
}

/** In the words of the port. */
export function toProviderFailure(failure: CallFailure): ProviderFailure {
  const { code, message, advice, requestId, retryAfterMs } = failure;
  return {
    code,
    message,
    advice,
    isRetryable: isWorthRepeating(failure),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(failure.class === 'unavailable' ? { isUnavailable: true } : {}),
  };
}

/** For callers who have no other way than to throw: `provider.<class>`, with the vendor's code in the details. */
export function toError(failure: CallFailure, doing: string): FleetReflexError {
  const disposition: Disposition = isWorthRepeating(failure) ? 'retry' : 'drop';
  const { code, requestId, retryAfterMs, advice } = failure;
  return new FleetReflexError(
    `provider.${failure.class}`,
    `${doing}: ${code}: ${failure.message} ${advice}`,
    {
      disposition,
      details: { provider: 'tencent', code, ...(requestId === undefined ? {} : { requestId }) },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}
