/**
 * Rejects a request with an empty key. Rendering already rejects it; this covers messages of earlier versions and of other
 * senders.
 */
import { EMPTY_KEY, isBlankKey } from './guard-key.ts';
import { rejectionOf } from './reject-request.ts';
import type { RunRequest } from './run-request.ts';

/** @returns the request, or its rejection as `key.empty` */
export function refuseBlankKey(request: RunRequest): RunRequest {
  const key = keyIn(request);
  if (key === undefined || !isBlankKey(key)) return request;
  return rejectionOf(request, {
    code: EMPTY_KEY,
    message:
      'its key is empty: it would stand for every event that lacks what the key is made of. Let `when` of the rule leave such events out, or choose a field that they have.',
  });
}

function keyIn(request: RunRequest): string | undefined {
  switch (request.action) {
    case 'run':
      return request.guards.dedupe?.key;
    case 'schedule':
      return request.execution?.guards.dedupe?.key;
    case 'cancel':
      return request.key;
    case 'reject':
      return undefined;
  }
}
