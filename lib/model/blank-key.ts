/**
 * Rejects a request with an empty key. Rendering already rejects it; this covers messages of earlier versions and of other
 * senders.
 */
import { EMPTY_KEY, isBlankKey } from './guard-key.ts';
import { rejectionOf } from './reject-request.ts';
import type { RenderedGuards, RunRequest } from './run-request.ts';

/** @returns the request, or its rejection as `key.empty` */
export function refuseBlankKey(runRequest: RunRequest): RunRequest {
  if (!keysIn(runRequest).some(isBlankKey)) return runRequest;
  return rejectionOf(runRequest, {
    code: EMPTY_KEY,
    message:
      'its key is empty: it would stand for every event that lacks what the key is made of. Let `when` of the rule leave such events out, or choose a field that they have.',
  });
}

function keysIn(runRequest: RunRequest): string[] {
  switch (runRequest.action) {
    case 'run':
      return keysOf(runRequest.guards);
    case 'schedule':
      return keysOf(runRequest.execution?.guards ?? {});
    case 'cancel':
      return runRequest.key === undefined ? [] : [runRequest.key];
    case 'judge':
    case 'reject':
      return [];
  }
}

function keysOf({ dedupe, times }: RenderedGuards): string[] {
  return [dedupe, times].flatMap((guard) => guard?.key ?? []);
}
