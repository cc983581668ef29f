/**
 * The GitLab events about deployments, and the fields of each.
 * https://docs.gitlab.com/user/project/integrations/webhook_events/
 */
import * as z from 'zod';
import { firstText } from '../../model/id-parts.ts';
import type { DeployFacts } from '../github/events.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { commitOf, OWN, type Provenance, UNKNOWN } from '../shared/provenance.ts';

const text = z.string().nullish();
const Project = z.looseObject({ path_with_namespace: z.string(), web_url: text });
const accountId = z.union([z.number(), z.string()]).nullish();
const User = z.looseObject({ username: text, id: accountId }).nullish();

function accountOf(user: z.infer<typeof User>): Pick<DeployFacts, 'actor' | 'actorId'> {
  return { actor: firstText(user?.username), actorId: firstText(user?.id) };
}

const NO_COMMIT = /^0+$/;

const push = z
  .looseObject({
    object_kind: z.string(),
    ref: z.string(),
    after: text,
    checkout_sha: text,
    user_id: accountId,
    user_username: text,
    project: Project,
  })
  .transform(
    ({
      object_kind: kind,
      ref,
      after,
      checkout_sha: sha,
      user_username: username,
      user_id: id,
      project,
    }): DeployFacts => ({
      verb: kind,
      action: kind,
      repository: project.path_with_namespace,
      ...commitOf(OWN, ref, firstText(sha, NO_COMMIT.test(after ?? '0') ? undefined : after)),
      status: after && NO_COMMIT.test(after) ? 'deleted' : undefined,
      ...accountOf({ username, id }),
      url: firstText(project.web_url),
    }),
  );

// A new deployment is `created`, like GitHub's; each later state is a deployment status.
const deployment = z
  .looseObject({
    status: z.string(),
    status_changed_at: text,
    deployable_url: text,
    environment: text,
    ref: text,
    short_sha: text,
    commit_url: text,
    user: User,
    project: Project,
  })
  .transform((it): DeployFacts => {
    const verb = it.status === 'created' ? 'created' : 'deployment_status';
    return {
      verb,
      action: verb,
      repository: it.project.path_with_namespace,
      // A job of a merge request deploys from `refs/merge-requests/…`.
      ...commitOf(
        OWN,
        firstText(it.ref),
        firstText(/\/([0-9a-f]{40,64})$/.exec(it.commit_url ?? '')?.[1], it.short_sha),
      ),
      environment: firstText(it.environment),
      status: it.status === 'created' ? undefined : it.status,
      ...accountOf(it.user),
      url: firstText(it.deployable_url),
      time: toIsoTime(it.status_changed_at),
    };
  });

const pipeline = z
  .looseObject({
    object_attributes: z.looseObject({
      ref: text,
      sha: text,
      source: text,
      status: z.string(),
      url: text,
      created_at: text,
      finished_at: text,
    }),
    merge_request: z
      .looseObject({ source_project_id: z.unknown().optional(), target_project_id: z.unknown().optional() })
      .nullish(),
    user: User,
    project: Project,
  })
  .transform(({ object_attributes: it, merge_request: request, user, project }): DeployFacts => {
    return {
      verb: 'pipeline',
      action: 'pipeline',
      repository: project.path_with_namespace,
      ...commitOf(ofPipeline(it.source, request), firstText(it.ref), firstText(it.sha)),
      status: it.status,
      ...accountOf(user),
      url: firstText(it.url),
      // A job of an old pipeline may be started now.
      time: toIsoTime(it.finished_at),
    };
  });

const release = z
  .looseObject({
    action: text,
    tag: text,
    url: text,
    created_at: text,
    released_at: text,
    commit: z.looseObject({ id: text }).nullish(),
    project: Project,
  })
  .transform(
    (it): DeployFacts => ({
      verb: 'release',
      action: it.action ?? 'release',
      repository: it.project.path_with_namespace,
      ref: firstText(it.tag),
      sha: firstText(it.commit?.id),
      url: firstText(it.url),
      // An old one may be changed, and one may be written for what was released long ago.
      time: it.action === 'create' ? toIsoTime(it.created_at) : undefined,
    }),
  );

/** Pipelines of merge requests, and their child pipelines: the branch may be a fork's, with the same name as ours. */
const SOURCES_OF_REQUESTS: ReadonlySet<string> = new Set([
  'merge_request_event',
  'external_pull_request_event',
  'parent_pipeline',
]);

interface Request {
  source_project_id?: unknown;
  target_project_id?: unknown;
}

/** A deleted fork is null. */
function ofPipeline(source: string | null | undefined, request: Request | null | undefined): Provenance {
  if (!request) return source && !SOURCES_OF_REQUESTS.has(source) ? OWN : UNKNOWN;
  const [from, to] = [firstText(request.source_project_id), firstText(request.target_project_id)];
  if (from === undefined || to === undefined) return UNKNOWN;
  return from === to ? OWN : { kind: 'fork', owner: from };
}

/** By `object_kind`. Other events are authentic, but of no use to rules. */
export const GITLAB_EVENTS: ReadonlyMap<string, z.ZodType<DeployFacts>> = new Map<
  string,
  z.ZodType<DeployFacts>
>([
  ['push', push],
  ['tag_push', push],
  ['deployment', deployment],
  ['pipeline', pipeline],
  ['release', release],
]);

export const Note = z.looseObject({
  user: z.looseObject({ id: z.number().nullish(), username: z.string() }),
  project: Project.extend({ id: z.number().nullish() }),
  object_attributes: z.looseObject({
    note: text,
    action: text,
    system: z.boolean().nullish(),
    created_at: text,
    updated_at: text,
    // The same fact twice: `internal` is its newer name.
    internal: z.boolean().nullish(),
    confidential: z.boolean().nullish(),
  }),
  merge_request: z.looseObject({ iid: z.number().nullish() }).nullish(),
  issue: z.looseObject({ iid: z.number().nullish(), confidential: z.boolean().nullish() }).nullish(),
  /** `note`, or `confidential_note`. */
  event_type: text,
});
export type Note = z.infer<typeof Note>;

/** Whether only members may read it: an internal note, or any note on a confidential issue. */
export function isInternalNote({ event_type: type, object_attributes: note, issue }: Note): boolean {
  const isConfidential = note.confidential === true || issue?.confidential === true;
  return note.internal === true || isConfidential || type === 'confidential_note';
}
