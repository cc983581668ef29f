/** A comment on an issue or pull request that mentions the bot, as a chat command; GitHub and Gitea agree on it. */
import * as z from 'zod';
import type { ReplyTo } from '../../model/reply-to.ts';
import { chatEvent } from '../shared/build-event.ts';
import { parseMention } from '../shared/chat-command.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { mentionIn } from '../shared/spoken.ts';
import { tenancy } from '../shared/tenancy.ts';
import type { Normalisation } from '../source.ts';

export const IssueComment = z.looseObject({
  action: z.string(),
  comment: z.looseObject({
    body: z.string().nullish(),
    created_at: z.string().nullish(),
    author_association: z.string().nullish(),
    /** GitHub: the app that wrote it, also in a person's name. */
    performed_via_github_app: z.unknown().optional(),
    /** Gitea: the original author, of a comment that was migrated from another server. */
    original_author: z.string().nullish(),
    user: z
      .looseObject({ id: z.union([z.number(), z.string()]), login: z.string(), type: z.string().nullish() })
      .nullish(),
  }),
  issue: z.looseObject({ number: z.number(), url: z.string().nullish() }),
  repository: z.looseObject({
    id: z.number().nullish(),
    full_name: z.string(),
    owner: z.looseObject({ id: z.number().nullish() }).nullish(),
  }),
  sender: z.looseObject({ type: z.string().nullish() }).nullish(),
});
export type IssueComment = z.infer<typeof IssueComment>;

interface CommentContext {
  source: string;
  id: string;
  deliveryid: string | undefined;
  now: Date;
  raw: unknown;
  bot: string;
  command: string;
  /** The associations that may give commands; undefined if the sender does not report them. */
  commenters?: readonly string[];
}

/** Only new comments are commands: an edit could run an old command, or run it a second time. */
export function commentToChat(payload: IssueComment, context: CommentContext): Normalisation {
  const { action, comment } = payload;
  const text = mentionIn(comment.body ?? '', context.bot);
  if (action !== 'created') return { kind: 'ignored', because: `a comment was ${action}, not created` };
  if (text === undefined)
    return { kind: 'ignored', because: `the comment does not begin with @${context.bot}` };
  if (!comment.user || !isOfPerson(payload)) {
    return { kind: 'ignored', because: 'the comment is not a person’s' };
  }
  const association = comment.author_association ?? undefined;
  if (context.commenters !== undefined && !context.commenters.includes(association ?? 'NONE')) {
    return {
      kind: 'ignored',
      because: `the commenter’s association ${association ?? 'NONE'} may not command`,
    };
  }
  const event = chatEvent(
    {
      source: context.source,
      id: context.id,
      deliveryid: context.deliveryid,
      time: toIsoTime(comment.created_at) ?? context.now.toISOString(),
    },
    {
      ...parseMention(context.command, text),
      user: {
        id: String(comment.user.id),
        name: comment.user.login,
        ...(association !== undefined && { groups: [association] }),
      },
      channel: channelOf(payload),
      ...tenancy([payload.repository.owner?.id?.toString()]),
      raw: context.raw,
    },
  );
  const replyTo = replyBelow(context.source, payload);
  return {
    kind: 'events',
    events: [event],
    isTimeProved: true,
    ...(replyTo && { replyTo, isAnswerHidden: true }),
  };
}

function isOfPerson({ comment, sender }: IssueComment): boolean {
  const { user, performed_via_github_app: app, original_author: original } = comment;
  if (!user || app || original) return false;
  // Gitea has no types of users; those that it makes up (ghosts, its Actions) have ids below 1.
  const types = [user.type ?? 'User', sender?.type ?? 'User'];
  return types.every((type) => type === 'User') && !/\[bot\]$/i.test(user.login) && Number(user.id) > 0;
}

/** The id uses the repository's number: a name can be changed, and then taken by others. */
function channelOf({ repository, issue }: IssueComment): { id?: string; name: string } {
  const name = `${repository.full_name}#${issue.number}`;
  return repository.id ? { id: `${repository.id}#${issue.number}`, name } : { name };
}

/** A comment below it, by the API that the payload names; the reply checks whether the token may be sent there. */
function replyBelow(source: string, { issue, repository }: IssueComment): ReplyTo | undefined {
  const [api = '', rest] = (issue.url ?? '').split('/repos/', 2);
  if (rest === undefined) return undefined;
  return {
    via: 'issue-comment',
    address: { source, api, repository: repository.full_name, issue: String(issue.number) },
  };
}
