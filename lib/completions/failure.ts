/**
 * Why a place did not take an event, in two kinds that differ in what follows. `destination.unavailable`: it is down or
 * busy, and tried again for days. `destination.refused`: it, or our right to it, is not as it should be; a few more tries,
 * then a person has to see it. `destination.missing` is one of these.
 */
import { FleetReflexError, messageOf } from '../errors.ts';
import { type DestinationRef, describeDestination } from '../model/destination-ref.ts';

export const UNAVAILABLE = 'destination.unavailable';
export const REFUSED = 'destination.refused';
export const MISSING = 'destination.missing';

const LATER =
  'After some tries it is kept in deliveries-dlq; `fleet-reflex redrive deliveries` sends it then.';

/** @param retryAfterMs what the place asks us to wait */
export function unavailable(
  ref: DestinationRef,
  why: string,
  { retryAfterMs, cause }: { retryAfterMs?: number | undefined; cause?: unknown } = {},
): FleetReflexError {
  return new FleetReflexError(
    UNAVAILABLE,
    `${describeDestination(ref)} did not take a completion event: ${why}. It is tried again, for three days; no other destination waits for it.`,
    { disposition: 'retry', cause, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}

/** @param remedy a sentence: what a person may change */
export function refused(ref: DestinationRef, why: string, remedy: string, cause?: unknown): FleetReflexError {
  return new FleetReflexError(
    REFUSED,
    `${describeDestination(ref)} refused a completion event: ${why}. ${remedy} ${LATER}`,
    { disposition: 'retry', cause },
  );
}

/** Nothing of that name is in the account and region of the functions. */
export function missing(ref: DestinationRef, cause?: unknown): FleetReflexError {
  return new FleetReflexError(
    MISSING,
    `${describeDestination(ref)} is not in this account and region. Create it, or correct \`destinations\` in the rules. ${LATER}`,
    { disposition: 'retry', cause },
  );
}

/** Codes of AWS's APIs for which the same request may succeed later, though some come with a status of 400. */
const BUSY =
  /Thrott|TooManyRequests|LimitExceeded|InternalFailure|InternalError|InternalException|ServiceUnavailable|Timeout/i;

/** Of one entry of a batch. */
export function entryFailure(
  ref: DestinationRef,
  code: string | undefined,
  message: string | undefined,
  remedy: string,
): FleetReflexError {
  const why = [code ?? 'the answer does not say why', message]
    .filter((part) => part !== undefined)
    .join(': ');
  return code === undefined || BUSY.test(code) ? unavailable(ref, why) : refused(ref, why, remedy);
}

/** Of a whole request, as the SDK throws it. */
export function awsFailure(ref: DestinationRef, thrown: unknown, remedy: string): FleetReflexError {
  const why = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : messageOf(thrown);
  const isCertain = isClientFault(thrown) && !BUSY.test(thrown.name);
  return isCertain ? refused(ref, why, remedy, thrown) : unavailable(ref, why, { cause: thrown });
}

/** Whether the service itself has said that the request may not be so. */
function isClientFault(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error) || !('$fault' in thrown) || thrown.$fault !== 'client') return false;
  const metadata: unknown = '$metadata' in thrown ? thrown.$metadata : undefined;
  const status: unknown = Object(metadata).httpStatusCode;
  return typeof status === 'number' && status >= 400 && status < 500 && status !== 429;
}
