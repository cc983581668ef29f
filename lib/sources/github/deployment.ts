/** The reply address of a new deployment: lib/sources/<name>/reply.ts posts its status. */
import * as z from 'zod';
import type { ReplyTo } from '../../model/reply-to.ts';

const Deployment = z.looseObject({
  action: z.literal('created'),
  deployment: z.looseObject({ id: z.int().positive(), url: z.url() }),
  repository: z.looseObject({ full_name: z.string() }),
});

/** @returns undefined for what is no new deployment */
export function deploymentReply(payload: unknown): ReplyTo | undefined {
  const { data } = Deployment.safeParse(payload);
  // `https://api.github.com/repos/…`, of GitHub Enterprise `https://<host>/api/v3/repos/…`.
  const api = data?.deployment.url.split('/repos/', 1)[0];
  if (data === undefined || api === undefined || api === data.deployment.url) return undefined;
  return {
    via: 'github-deployment',
    address: { api, repository: data.repository.full_name, deployment: String(data.deployment.id) },
  };
}
