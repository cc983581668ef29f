/**
 * The Bitbucket events for changes and builds. Cloud and Data Center have different field names.
 * https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
 */
import * as z from 'zod';
import { firstText } from '../../model/id-parts.ts';
import type { DeployFacts } from '../github/events.ts';
import { toIsoTime } from '../shared/event-time.ts';

const text = z.string().nullish();
const Link = z.looseObject({ href: text }).nullish();
const Actor = z
  .looseObject({
    nickname: text,
    display_name: text,
    account_id: text,
    uuid: text,
    /** Data Center: both. */
    name: text,
    id: z.number().nullish(),
  })
  .nullish();

/** A nickname can be changed, an account's id cannot. */
function accountOf(actor: z.infer<typeof Actor>): Pick<DeployFacts, 'actor' | 'actorId'> {
  return {
    actor: firstText(actor?.nickname, actor?.display_name, actor?.name),
    actorId: firstText(actor?.account_id, actor?.uuid, actor?.id),
  };
}

const Repository = z.looseObject({ full_name: z.string() });
const Ref = z
  .looseObject({ type: text, name: z.string(), target: z.looseObject({ hash: text, date: text }).nullish() })
  .nullish();

const cloudPush = z
  .looseObject({
    actor: Actor,
    repository: Repository,
    push: z.looseObject({
      changes: z.array(z.looseObject({ new: Ref, old: Ref, links: z.looseObject({ html: Link }).nullish() })),
    }),
  })
  .transform(({ actor, repository, push }): DeployFacts[] =>
    push.changes.map((change) => {
      const ref = change.new ?? change.old;
      const folder = ref?.type === 'tag' ? 'refs/tags' : 'refs/heads';
      return {
        verb: 'push',
        action: 'push',
        repository: repository.full_name,
        ref: ref ? `${folder}/${ref.name}` : undefined,
        sha: firstText(change.new?.target?.hash),
        status: change.new ? undefined : 'deleted',
        ...accountOf(actor),
        url: firstText(change.links?.html?.href),
      };
    }),
  );

// A build may be of a fork's pull request, and has only a branch name: branch and commit are left out.
const cloudStatus = z
  .looseObject({
    actor: Actor,
    repository: Repository,
    commit_status: z.looseObject({
      state: text,
      url: text,
      updated_on: text,
    }),
  })
  .transform(({ actor, repository, commit_status: status }): DeployFacts[] => [
    {
      verb: 'commit_status',
      action: 'commit_status',
      repository: repository.full_name,
      status: firstText(status.state),
      ...accountOf(actor),
      url: firstText(status.url),
      time: toIsoTime(status.updated_on),
    },
  ]);

const dataCenterPush = z
  .looseObject({
    date: text,
    actor: Actor,
    repository: z.looseObject({ slug: z.string(), project: z.looseObject({ key: z.string() }) }),
    changes: z.array(z.looseObject({ ref: z.looseObject({ id: z.string() }), toHash: text, type: text })),
  })
  .transform(({ date, actor, repository, changes }): DeployFacts[] =>
    changes.map((change) => ({
      verb: 'push',
      action: 'push',
      repository: `${repository.project.key}/${repository.slug}`,
      ref: change.ref.id,
      sha: change.type === 'DELETE' ? undefined : firstText(change.toHash),
      status: change.type === 'DELETE' ? 'deleted' : undefined,
      ...accountOf(actor),
      time: toIsoTime(date),
    })),
  );

/** By `X-Event-Key`; a push may change several branches. */
export const BITBUCKET_EVENTS: ReadonlyMap<string, z.ZodType<DeployFacts[]>> = new Map<
  string,
  z.ZodType<DeployFacts[]>
>([
  ['repo:push', cloudPush],
  ['repo:commit_status_created', cloudStatus],
  ['repo:commit_status_updated', cloudStatus],
  ['repo:refs_changed', dataCenterPush],
]);

/** The kind of the event, from the signed body and not from the unsigned header. */
export function inferBitbucketEvent(payload: Readonly<Record<string, unknown>>): string | undefined {
  if (payload['push'] !== undefined) return 'repo:push';
  if (payload['commit_status'] !== undefined) return 'repo:commit_status_updated';
  // A mirror's events have `changes` too.
  return payload['changes'] !== undefined && payload['mirrorServer'] === undefined
    ? 'repo:refs_changed'
    : undefined;
}
