/**
 * GitLab: pushes, tags, deployments, pipelines and releases as deploy events, notes that mention the bot as chat
 * commands. If the secret is a signing token (`whsec_…`), a signature is required; otherwise the secret token. A secret
 * token is never accepted in place of a signature.
 */
import * as z from 'zod';
import type { SourceRequest } from '../../http/request.ts';
import { firstText } from '../../model/id-parts.ts';
import type { ReplyTo } from '../../model/reply-to.ts';
import { verifyHeader } from '../proofs/bearer.ts';
import { isStandardSecret, verifyStandardSignature } from '../proofs/standard-signature.ts';
import { chatEvent, deployEvent } from '../shared/build-event.ts';
import { parseMention } from '../shared/chat-command.ts';
import { bodyId, deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { mentionIn } from '../shared/spoken.ts';
import { tenancy } from '../shared/tenancy.ts';
import { checkPayload, defineSource, type Normalisation } from '../source.ts';
import { GITLAB_EVENTS, isInternalNote, Note } from './events.ts';

const Settings = z.strictObject({
  bot: z
    .string()
    .regex(/^[\w-]+$/)
    .default('fleet-reflex')
    .describe('The name to mention in a note, without the @.'),
  command: z.string().startsWith('/').default('/fleet').describe('The command that a mention stands for.'),
  commenters: z
    .array(z.string())
    .default([])
    .describe(
      'The user names whose notes are commands; `*` is everybody who may comment. GitLab does not reveal membership, so the default is none. Names can be changed and taken by others: restrict rules by `allow`, with ids.',
    ),
});
type Settings = z.infer<typeof Settings>;

export const gitlab = defineSource({
  name: 'gitlab',
  title: 'GitLab',
  documentation: 'https://docs.gitlab.com/user/project/integrations/webhook_events/',
  setup: `In the project or group: *Settings → Webhooks → Add new webhook*, URL
\`https://<your-endpoint>/hooks/gitlab\`. Where GitLab offers a **signing token**, use that as the secret
(\`whsec_…\`): the body is then signed and a request older than 5 minutes refused, and a secret token alone is no
longer accepted. Otherwise set the **secret token**. Triggers: push, tag push, deployment, pipeline, release, comments.

With a secret token the same body is always the same event, and a push contains no time: if a branch is pushed back and
forth between the same two commits, the repetitions start nothing. A signing token distinguishes deliveries.

A note that begins with \`@fleet-reflex\` is a chat command of the users named in the setting \`commenters\`. An internal
note, and any note on a confidential issue (trigger *confidential comments*), is answered by an internal note. The branch
of a fork's pipeline is named \`<project id>:<branch>\`, without its commit; a deleted fork has neither.`,
  facts: {
    proof: 'the signing token (Standard Webhooks), or `X-Gitlab-Token`',
    replayWindow: '5 minutes when signed; else none',
    eventId: '`webhook-id` when signed; else the body’s hash',
    people: {
      user: 'number of the account: *user’s page → ⋮ → Copy user ID*',
      userName: 'user name',
      channel: 'number of the project, `!` or `#`, number: `30!1`',
      channelName: '`group/project!1`',
      groups: '—',
      tenant: 'path of the top-level group, or of the user, `acme`; GitLab gives no id',
    },
  },
  kinds: ['deploy', 'chat'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify(request, { secrets, now }) {
    const signing = secrets.filter(isStandardSecret);
    return signing.length > 0
      ? verifyStandardSignature(request, signing, now)
      : verifyHeader(request, 'x-gitlab-token', secrets);
  },
  payload: z.looseObject({ object_kind: z.string().nullish() }),
  normalise(payload, request, { now, settings, secrets }) {
    const kind = payload.object_kind;
    const isSigned = secrets.some(isStandardSecret);
    const ids = idsOf(request, isSigned);
    if (kind === 'note') return fromNote(checkPayload('gitlab', Note, payload), ids, isSigned, now, settings);
    const schema = !kind ? undefined : GITLAB_EVENTS.get(kind);
    if (schema === undefined) {
      return { kind: 'ignored', because: `GitLab’s event ${kind ?? '(unnamed)'} starts nothing` };
    }
    const { verb, time, ...facts } = checkPayload('gitlab', schema, payload);
    const envelope = { source: 'gitlab', ...ids, verb, time: time ?? now.toISOString() };
    return { kind: 'events', events: [deployEvent(envelope, { ...facts, raw: payload })] };
  },
});

interface Ids {
  id: string;
  deliveryid: string | undefined;
}

/** With a signing token `webhook-id` is signed; with a secret token no header is protected. */
function idsOf({ headers, body }: SourceRequest, isSigned: boolean): Ids {
  const deliveryid = firstText(headers['idempotency-key'], headers['x-gitlab-event-uuid']);
  return { id: isSigned ? deliveryId(body, headers['webhook-id']) : bodyId(body), deliveryid };
}

/**
 * The accounts of access tokens, of services (by the names that GitLab gives them) and of GitLab itself:
 * https://docs.gitlab.com/administration/internal_users/, https://docs.gitlab.com/user/profile/service_accounts/
 */
const BOT =
  /^(?:(?:project|group)_\d+_bot(?:_|\d|$)|service_account_|ghost\d*$|GitLabDuo$|(?:support|alert|visual-review|security|automation)-bot\d*$|gitlab-\S*-bot$)/i;

/** Older GitLab versions send no action, so a new note and an edited one look the same. */
function isEdited({
  action,
  created_at: created,
  updated_at: updated,
}: z.infer<typeof Note>['object_attributes']) {
  return action ? action !== 'create' : Boolean(updated) && updated !== created;
}

function fromNote(
  payload: Note,
  ids: Ids,
  isSigned: boolean,
  now: Date,
  { bot, command, commenters }: Settings,
): Normalisation {
  const { object_attributes: note, user } = payload;
  const text = mentionIn(note.note ?? '', bot);
  if (note.system === true || BOT.test(user.username) || isEdited(note)) {
    return { kind: 'ignored', because: 'the note is not a new one of a person' };
  }
  if (text === undefined) return { kind: 'ignored', because: `the note does not begin with @${bot}` };
  if (!commenters.includes('*') && !commenters.includes(user.username)) {
    return { kind: 'ignored', because: `the user ${user.username} may not command` };
  }
  const event = chatEvent(
    { source: 'gitlab', ...ids, time: toIsoTime(note.created_at) ?? now.toISOString() },
    {
      ...parseMention(command, text),
      user: { ...(user.id && { id: String(user.id) }), name: user.username },
      channel: channelOf(payload),
      // GitLab sends the name of the top-level group, but not its id.
      ...tenancy([payload.project.path_with_namespace.split('/', 1)[0]]),
      raw: payload,
    },
  );
  const replyTo = replyBelow(payload);
  return {
    kind: 'events',
    events: [event],
    isTimeProved: isSigned,
    ...(replyTo && { replyTo, isAnswerHidden: true }),
  };
}

/** Ids use the numbers: user names and paths can be changed, and then taken by others. */
function channelOf({ project, merge_request: merge, issue }: Note): {
  id?: string;
  name: string;
} {
  const number = merge?.iid ?? issue?.iid;
  const place = typeof number !== 'number' ? '' : `${merge ? '!' : '#'}${number}`;
  const name = `${project.path_with_namespace}${place}`;
  return project.id ? { id: `${project.id}${place}`, name } : { name };
}

/** A note below it, on the server that the payload names; the reply checks whether the token may be sent there. */
function replyBelow(payload: Note): ReplyTo | undefined {
  const { project, merge_request: merge, issue } = payload;
  const iid = merge?.iid ?? issue?.iid;
  const path = `/${project.path_with_namespace}`;
  if (!project.web_url?.endsWith(path) || !project.id || typeof iid !== 'number') return undefined;
  return {
    via: 'gitlab-note',
    address: {
      api: project.web_url.slice(0, -path.length),
      project: String(project.id),
      noteable: merge ? 'merge_requests' : 'issues',
      iid: String(iid),
      ...(isInternalNote(payload) && { internal: 'true' }),
    },
  };
}
