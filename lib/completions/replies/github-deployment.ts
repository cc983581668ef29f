/**
 * GitHub: a deployment that started a run hears of it as its status.
 * https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
 */
import * as z from 'zod';
import { cutText } from '../../sources/chat-answer.ts';
import type { CompletionEvent, RunStatus } from '../completion-event.ts';
import type { ReplyChannel } from './channel.ts';
import { countsOf } from './run-message.ts';

const Address = z.object({
  /** The API that the event came from: `https://api.github.com`. */
  api: z.string(),
  repository: z.string().regex(/^[\w-]+\/(?!\.{1,2}$)[\w.-]+$/),
  deployment: z.string().regex(/^\d{1,20}$/),
});

const MAX_DESCRIPTION = 140;
/** Where nobody knows how it ended, or it is our fault, it is an error and not a failure. */
const ERRORS: ReadonlySet<RunStatus> = new Set(['unknown', 'expired', 'rejected']);

export const githubDeploymentReply: ReplyChannel = {
  via: 'github-deployment',
  // GitHub Enterprise has a host of its own: the configuration that holds its token names it.
  hosts: ['*'],
  async requestFor({ event }, given, { secrets, baseOf, runUrl }) {
    const address = Address.safeParse(given).data;
    const state = event === undefined ? undefined : stateOf(event);
    if (address === undefined || event === undefined || state === undefined) return undefined;
    const token = tokenFor(address.api, await secrets('github-reply'), baseOf('github'));
    if (token === undefined) return undefined;
    const { repository, deployment } = address;
    return {
      url: new URL(`${token.base}/repos/${repository}/deployments/${deployment}/statuses`),
      headers: {
        authorization: `Bearer ${token.token}`,
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

/** A token belongs to one API: `<token>` to GitHub's own, `<url of the API>#<token>` to another. */
function tokenFor(
  api: string,
  entries: readonly string[],
  own: string,
): { base: string; token: string } | undefined {
  for (const entry of entries) {
    const [base = '', token = ''] = /^https?:/.test(entry) ? entry.split('#', 2) : [PUBLIC_API, entry];
    const isSame = base.replace(/\/$/, '') === api;
    if (isSame && token !== '') return { base: base === PUBLIC_API ? own : api, token };
  }
  return undefined;
}

const PUBLIC_API = 'https://api.github.com';

function stateOf({ type, data }: CompletionEvent): string | undefined {
  switch (type) {
    case 'fleet-reflex.task.completed':
      return undefined;
    case 'fleet-reflex.run.started':
      return 'in_progress';
    case 'fleet-reflex.run.rejected':
      return 'error';
    case 'fleet-reflex.run.completed':
      if (data.status === 'succeeded') return 'success';
      return ERRORS.has(data.status) ? 'error' : 'failure';
  }
}

function descriptionOf({ data }: CompletionEvent): string {
  const counts = countsOf(data);
  const what = data.reason?.message ?? (counts === '' ? data.status : counts);
  return `${data.rule} (${data.runId}): ${what}`;
}
