/**
 * Limits the runs of one delivered request. A body with three thousand alerts is one request: it starts as many runs as
 * the file allows, and the others become one rejection for each rule, not thousands of runs and events.
 */
import { type RejectRequest, rejectionOf } from '../model/reject-request.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunRequest } from '../model/run-request.ts';

export const OVER_LIMIT = 'limit.runs-per-request';

/** How many rejections of a request get their own record; the others share one for each rule and reason. */
const MAX_REJECTIONS = 20;
const MAX_NAMED = 3;
const MAX_NAME = 60;

/**
 * @param requests all run requests of a delivered request
 * @param most how many runs it may start
 * @returns for each run id the message for the queue: the request, or a rejection that it may share with others. The run
 * ids decide which requests start, so that a repeated delivery, in any order, starts the same runs.
 */
export function limitRequest(requests: readonly RunRequest[], most: number): ReadonlyMap<string, RunRequest> {
  const unique = [...new Map(requests.map((request) => [request.runId, request])).values()];
  const inOrder = unique.toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
  const starting = inOrder.filter(({ action }) => action === 'run' || action === 'schedule');
  const refused = inOrder.filter((request) => request.action === 'reject');
  const over = starting.slice(most).map((request) => rejectionOf(request, tooMany(starting.length, most)));
  return new Map<string, RunRequest>([
    ...inOrder.map((request): [string, RunRequest] => [request.runId, request]),
    ...summarise(over, 0),
    ...summarise(refused, MAX_REJECTIONS),
  ]);
}

function tooMany(asked: number, most: number): RejectRequest['reason'] {
  return {
    code: OVER_LIMIT,
    message: `One delivered request starts at most ${most} runs (limits.runsPerRequest), and this one asks for ${asked}. Raise it in the rules only if so many are meant; the same delivery starts the rest then.`,
  };
}

/** @param single how many of them get their own rejection */
function summarise(rejections: readonly RejectRequest[], single: number): [string, RunRequest][] {
  const groups = Map.groupBy(rejections.slice(single), ({ rule, reason }) =>
    JSON.stringify([rule, reason.code]),
  );
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const group = [first, ...others];
    // A run that only this limit stopped may start later: its run id stays free.
    const isKept = others.length === 0 && first.reason.code !== OVER_LIMIT;
    const summary = isKept ? first : summaryOf(first, group);
    return group.map(({ runId }): [string, RunRequest] => [runId, summary]);
  });
}

/** One rejection for many. A repeated delivery gives the same id, which no run has. */
function summaryOf(first: RejectRequest, group: readonly RejectRequest[]): RejectRequest {
  const { rule, trigger, reason } = first;
  const ids = group.map(({ runId }) => runId).join(' ');
  const deepest = group.toSorted((a, b) => (a.chain?.depth ?? 0) - (b.chain?.depth ?? 0)).at(-1);
  return {
    ...first,
    runId: runIdFor(rule, `${trigger.source}/${reason.code}`, ids),
    chain: deepest?.chain,
    reason: {
      code: reason.code,
      message: `${group.length} ${group.length === 1 ? 'run' : 'runs'} of the rule refused, of ${namesOf(group)}. ${reason.message}`,
    },
  };
}

/** The subjects of the first of them; their ids if they all have one subject. */
function namesOf(group: readonly RejectRequest[]): string {
  const subjects = new Set(group.map(({ trigger }) => trigger.subject ?? trigger.id));
  const names = subjects.size > 1 ? [...subjects] : group.map(({ trigger }) => trigger.id);
  const named = names.slice(0, MAX_NAMED).map((name) => JSON.stringify(cut(name)));
  const more = names.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function cut(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).toWellFormed()}…`;
}
