/**
 * GitHub: pushes, deployments, workflow runs, releases and packages as deploy events, and comments that mention the
 * bot as chat commands. Other authentic events are ignored, not refused: GitHub would show a refusal as a broken hook.
 */
import * as z from 'zod';
import { isForm, parseJson } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { deployEvent } from '../shared/build-event.ts';
import { bodyId } from '../shared/delivery-id.ts';
import { checkPayload, defineSource } from '../source.ts';
import { commentToChat, IssueComment } from './comment.ts';
import { deploymentReply } from './deployment.ts';
import { DEPLOY_EVENTS, eventOf, whyUnused } from './events.ts';

const Settings = z.strictObject({
  bot: z
    .string()
    .regex(/^[\w-]+$/)
    .default('fleet-reflex')
    .describe('The name to mention in a comment, without the @.'),
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command that a mention stands for: `@fleet-reflex patch web` is `/fleet patch web`.'),
  commenters: z
    .array(z.string())
    .default(['OWNER', 'MEMBER', 'COLLABORATOR'])
    .describe('Whose comments are commands, by GitHub’s author_association.'),
});

export const github = defineSource({
  name: 'github',
  title: 'GitHub',
  documentation: 'https://docs.github.com/en/webhooks/webhook-events-and-payloads',
  setup: `In the repository (or organisation): *Settings → Webhooks → Add webhook*. Payload URL
\`https://<your-endpoint>/hooks/github\`, content type \`application/json\`, the secret, and the events: pushes,
deployments, deployment statuses, workflow runs, releases, packages, issue comments, as your rules need.

A comment that begins with \`@fleet-reflex\` (the setting \`bot\`) is a chat command; only comments of owners, members
and collaborators are (the setting \`commenters\`). A push names its branch as GitHub does, \`refs/heads/main\`; a branch
of a fork is \`owner:main\`, without its commit. A deleted fork has neither, nor has a check suite, because its payload does
not name the branch's repository. If \`GITHUB_REPLY_SECRET\` is a token, a deployment's run is reported as the deployment's
status, and a comment's run below the comment ([chat-ops.md](chat-ops.md)). GitHub signs neither a time nor the delivery
id: the same body is always the same event. This matters only for \`repository_dispatch\`, whose body may repeat: give its
\`client_payload\` a field that differs each time.`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `X-Hub-Signature-256`',
    replayWindow: 'none',
    eventId: 'the body’s hash',
    people: {
      user: 'number of the account: `id` at `api.github.com/users/<login>`',
      userName: 'login',
      channel: 'number of the repository, `#`, number of the issue: `35129377#1`',
      channelName: '`owner/repository#1`',
      groups: '`author_association`: `OWNER`, `MEMBER`, `COLLABORATOR`, …',
      tenant: 'number of the repository’s owner: `id` at `api.github.com/users/<owner>`',
    },
  },
  kinds: ['deploy', 'chat'],
  settings: Settings,
  contentTypes: ['application/json', 'application/x-www-form-urlencoded'],
  verify: (request, { secrets }) =>
    verifyHmac(request, { header: 'x-hub-signature-256', prefix: 'sha256=', keys: secrets }),
  parse: parseGithub,
  payload: z.looseObject({}),
  normalise(payload, request, { now, settings }) {
    const said = request.headers['x-github-event'];
    const event = eventOf(payload, said);
    const ids = { id: bodyId(request.body), deliveryid: request.headers['x-github-delivery'] };
    if (event === 'ping') return { kind: 'ignored', because: 'a ping: the hook is set up' };
    if (event === 'issue_comment') {
      const comment = checkPayload('github', IssueComment, payload);
      return commentToChat(comment, { source: 'github', ...ids, now, raw: payload, ...settings });
    }
    const schema = event === undefined ? undefined : DEPLOY_EVENTS.get(event);
    if (schema === undefined) {
      return { kind: 'ignored', because: whyUnused('GitHub', said) };
    }
    const { verb, time, ...facts } = checkPayload('github', schema, payload);
    const envelope = { source: 'github', ...ids, verb, time: time ?? now.toISOString() };
    const replyTo = event === 'deployment' ? deploymentReply(payload) : undefined;
    return {
      kind: 'events',
      events: [deployEvent(envelope, { ...facts, raw: payload })],
      ...(replyTo && { replyTo }),
    };
  },
});

/** As JSON, or as a form with the JSON in its field `payload`; the signature is over the form either way. */
function parseGithub(request: SourceRequest): unknown {
  return isForm(request) ? parseJson(Buffer.from(request.form()['payload'] ?? '')) : request.json();
}
