/**
 * Rejects a request with an empty key. Rendering already rejects it; this covers messages of earlier versions and of other
 * senders.
 */
import { EMPTY_KEY, isBlankKey } from './guard-key.ts';
import { rejectionOf } from './reject-request.ts';
import type { RenderedGuards, RunRequest } from './run-request.ts';

/** @returns the request, or its rejection as `key.empty` */
export function refuseBlankKey(request: RunRequest): RunRequest {
  if (!keysIn(request).some(isBlankKey)) return request;
  return rejectionOf(request, {
    code: EMPTY_KEY,
    message:
      'its key is empty: it would stand for every event that lacks what the key is made of. Let `when` of the rule leave such events out, or choose a field that they have.',
  });
}

function keysIn(request: RunRequest): string[] {
  switch (request.action) {
    case 'run':
      return keysOf(request.guards);
    case 'schedule':
      return keysOf(request.execution?.guards ?? {});
    case 'cancel':
      return request.key === undefined ? [] : [request.key];
    case 'reject':
      return [];
  }
}

function keysOf({ dedupe, times }: RenderedGuards): string[] {
  return [dedupe, times].flatMap((guard) => guard?.key ?? []);
}
