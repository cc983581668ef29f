/** How a call can fail for a reason of our own, and how a failure is thrown where there is no other way. */
import { FleetReflexError } from '../../errors.ts';
import type { ProviderFailure } from '../provider.ts';
import { explainErrorCode } from './error-codes.ts';
import type { AlibabaErrorKind } from './error-table.ts';

/** Ours, for what carries no code of the vendor; `Network`, `Timeout` and `Aborted` come from the HTTP call. */
export type OwnCode = 'InvalidRequest' | 'NoCredentials' | 'RateLimited' | 'InvalidAnswer';

const ADVICE: Readonly<Record<OwnCode, string>> = {
  InvalidRequest: 'Correct the rule or the request: the vendor would refuse it.',
  NoCredentials: 'Check where the access key of Alibaba Cloud is kept, and the permission to read it.',
  RateLimited: 'If it stays so, spread the runs over more time.',
  InvalidAnswer:
    'Look whether a proxy answers in the place of the vendor; the request may have had its effect.',
};

export function ownFailure(code: OwnCode, message: string, retryAfterMs?: number): ProviderFailure {
  return {
    code,
    message,
    advice: ADVICE[code],
    isRetryable: code !== 'InvalidRequest',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** The words that every provider uses in `provider.<class>`. */
const CLASSES: Readonly<Record<AlibabaErrorKind, string>> = {
  parameter: 'invalid',
  limit: 'invalid',
  notFound: 'notFound',
  quota: 'quota',
  unavailable: 'unavailable',
  credentials: 'denied',
  permission: 'denied',
  region: 'unsupported',
  idempotence: 'conflict',
  inProgress: 'maybeDone',
  throttled: 'throttled',
  replayed: 'maybeDone',
  server: 'maybeDone',
};

/** `provider.<class>`, with the vendor's code in the details. */
export function toError(failure: ProviderFailure, doing: string): FleetReflexError {
  const { code, message, advice, isRetryable, retryAfterMs, requestId } = failure;
  const { kind } = explainErrorCode(code, 0);
  // A code that nobody knows and that may pass is not a fault of the request.
  const isUnexplained = isRetryable && kind === 'parameter';
  const name = code === 'RateLimited' ? 'throttled' : isUnexplained ? 'maybeDone' : CLASSES[kind];
  return new FleetReflexError(`provider.${name}`, `${doing}: ${code}: ${message} ${advice}`, {
    disposition: isRetryable ? 'retry' : 'drop',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    details: { provider: 'alibaba', code, ...(requestId !== undefined && { requestId }) },
  });
}
