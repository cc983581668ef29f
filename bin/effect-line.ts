/** The result of a run request in a simulation, in one line for a terminal; no values of secret parameters. */

import { printable } from '../lib/model/printable.ts';
import type { RunRequest } from '../lib/model/run-request.ts';
import { conceal, shownRequest } from '../lib/model/secret-parameters.ts';
import { formatDuration } from '../lib/rules/duration.ts';
import type { Effect } from '../lib/simulation/effect.ts';
import { placeText } from './commands/rules/instances-text.ts';

export function effectLine(effect: Effect): string {
  return printable(textOf(effect));
}

function textOf(effect: Effect): string {
  const { request } = effect;
  switch (effect.kind) {
    case 'ran': {
      const calls = effect.calls > 1 ? `, in ${effect.calls} calls` : '';
      const waited =
        effect.waited === undefined ? '' : `, after ${duration(effect.waited.ms)} of ${effect.waited.code}`;
      return `${requestLine(request)}${calls}${waited}`;
    }
    case 'stopped': {
      const { code, message } = effect.reason;
      const isOfSecrets = request.action === 'run' || request.action === 'schedule';
      const said = isOfSecrets ? conceal(request.target, message) : message;
      return `${effect.waited === undefined ? 'REJECTED' : 'EXPIRED'}, ${code}: ${said}`;
    }
    case 'cancelled':
      return `${requestLine(request)}: ${count(effect.stopped.length, 'run')} stopped`;
    case 'scheduled':
      return requestLine(request);
    case 'repeated':
      return `known already as ${request.runId}`;
  }
}

/** The request, in words. */
export function requestLine(asked: RunRequest): string {
  const request = shownRequest(asked);
  switch (request.action) {
    case 'reject':
      return `REJECTED, ${request.reason.code}: ${request.reason.message}`;
    case 'judge':
      return `${request.kind} ${request.targetRunId}`;
    case 'cancel':
      return `cancel ${request.targetRule ?? request.targetRunId ?? ''}${request.key === undefined ? '' : `, key ${request.key}`}`;
    case 'run':
    case 'schedule': {
      const { target, taggedFleet } = request;
      const { command, parameters: values } = target;
      const parameters = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      const when = request.action === 'schedule' ? ` at ${request.at ?? request.recurrence}` : '';
      return `${request.action} ${command} on ${placeText(target, taggedFleet)}${when}${parameters.length > 0 ? ` with ${parameters.join(' ')}` : ''}`;
    }
  }
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** To the second. */
function duration(ms: number): string {
  return formatDuration(Math.round(ms / 1000) * 1000);
}
