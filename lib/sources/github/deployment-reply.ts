/**
 * GitHub: reports a run as the status of the deployment that started it. With the runs that follow it, the deployment has one
 * status of the whole: success after the last, and a failure that no roll-back turns into a success.
 * https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
 */
import * as z from 'zod';
import type { CompletionEvent, RunStatus } from '../../model/completion-event.ts';
import { tokenFor } from '../shared/api-token.ts';
import type { ReplyChannel } from '../shared/channel.ts';
import { cutText } from '../shared/chat-answer.ts';
import { countsOf, wordsOf } from '../shared/run-message.ts';

const Address = z.object({
  /** The API that the event came from: `https://api.github.com`. */
  api: z.string(),
  repository: z.string().regex(/^[\w-]+\/(?!\.{1,2}$)[\w.-]+$/),
  deployment: z.string().regex(/^\d{1,20}$/),
});

const PUBLIC_API = 'https://api.github.com';
const MAX_DESCRIPTION = 140;
/** An unknown outcome, or a fault of ours, is an error and not a failure. */
const ERRORS: ReadonlySet<RunStatus> = new Set(['unknown', 'expired', 'rejected']);

export const githubDeploymentReply: ReplyChannel = {
  via: 'github-deployment',
  hasStates: true,
  // GitHub Enterprise has a host of its own: the configuration that holds its token names it.
  hosts: ['*'],
  async requestFor({ event }, given, { secrets, baseOf, runUrl }) {
    const address = Address.safeParse(given).data;
    const state = event === undefined ? undefined : stateOf(event);
    if (address === undefined || event === undefined || state === undefined) return undefined;
    const { api, repository, deployment } = address;
    const token = tokenFor(api, await secrets('github'), PUBLIC_API);
    if (token === undefined) return undefined;
    const base = api === PUBLIC_API ? baseOf('github') : api;
    return {
      url: new URL(`${base}/repos/${repository}/deployments/${deployment}/statuses`),
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
      },
      body: {
        state,
        description: cutText(descriptionOf(event), MAX_DESCRIPTION),
        ...(runUrl !== undefined && { log_url: runUrl(event.data.runId) }),
      },
    };
  },
};

function stateOf({ type, data }: CompletionEvent): string | undefined {
  const hasFailed = data.after?.failed !== undefined;
  switch (type) {
    case 'fleet-reflex.task.completed':
      return undefined;
    case 'fleet-reflex.run.waiting':
      return hasFailed ? 'failure' : 'pending';
    case 'fleet-reflex.run.started':
      return hasFailed ? 'failure' : 'in_progress';
    case 'fleet-reflex.run.rejected':
      return hasFailed ? 'failure' : 'error';
    case 'fleet-reflex.run.completed':
      if (hasFailed) return 'failure';
      // It is in progress already, and a late repetition of that would overtake the end of the whole.
      if (data.status === 'succeeded') return data.next === undefined ? 'success' : undefined;
      return ERRORS.has(data.status) ? 'error' : 'failure';
  }
}

function descriptionOf({ type, data }: CompletionEvent): string {
  const { rule, runId, status, reason, waitingFor, after, next } = data;
  const counts = countsOf(data);
  const what = reason?.message ?? waitingFor?.message ?? (counts === '' ? wordsOf(status) : counts);
  const said = [
    ...(after?.failed === undefined ? [] : [`after ${after.failed.rule} ${wordsOf(after.failed.status)}`]),
    ...(next === undefined ? [] : [`${next.rule} follows`]),
    type === 'fleet-reflex.run.started' && after !== undefined ? 'started' : what,
  ];
  return `${rule} (${runId}): ${said.join('; ')}`;
}
