/**
 * The GitHub events about deployments, and the fields of each. A field that is null at GitHub is absent here.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
import * as z from 'zod';
import { firstText } from '../../model/id-parts.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { commitOf, OWN, type Provenance, provenanceOf, UNKNOWN } from '../shared/provenance.ts';

const text = z.string().nullish();
/** GitHub's ids are numbers; so are those of Gitea. */
const accountId = z.union([z.number(), z.string()]).nullish();
export const Login = z.looseObject({ login: text, id: accountId }).nullish();
export type Login = z.infer<typeof Login>;
const Repository = z.looseObject({ full_name: text }).nullish();
const Common = { action: text, repository: Repository, sender: Login } as const;

/** The facts of a deploy event, before they are put into the envelope. */
export interface DeployFacts {
  /** After `deploy.`: the event's name; `created` for a deployment that asks to be carried out. */
  verb: string;
  action: string;
  repository: string;
  ref?: string | undefined;
  sha?: string | undefined;
  environment?: string | undefined;
  status?: string | undefined;
  actor?: string | undefined;
  actorId?: string | undefined;
  url?: string | undefined;
  time?: string | undefined;
}

/** The first account that has a name; its id is that of the same account. */
export function accountOf(...accounts: readonly Login[]): Pick<DeployFacts, 'actor' | 'actorId'> {
  const account = accounts.find((it) => firstText(it?.login) !== undefined);
  return { actor: firstText(account?.login), actorId: firstText(account?.id) };
}

const NO_COMMIT = /^0+$/;

const push = z
  .looseObject({
    ...Common,
    repository: z.looseObject({ full_name: text, pushed_at: z.unknown().optional() }).nullish(),
    ref: z.string(),
    after: text,
    compare: text,
    /** Gitea's name for it. */
    compare_url: text,
    pusher: z.looseObject({ name: text, login: text }).nullish(),
  })
  .transform(
    ({ repository, ref, after, compare, compare_url: compareUrl, pusher, sender }): DeployFacts => ({
      verb: 'push',
      action: 'push',
      repository: repository?.full_name ?? '',
      // A deleted branch has no commit any more.
      ...commitOf(OWN, ref, after && !NO_COMMIT.test(after) ? after : undefined),
      status: after && NO_COMMIT.test(after) ? 'deleted' : undefined,
      ...accountOf(sender, { login: firstText(pusher?.name, pusher?.login) }),
      url: firstText(compare, compareUrl),
      time: toIsoTime(repository?.pushed_at),
    }),
  );

const Deployment = z.looseObject({
  ref: text,
  sha: text,
  environment: text,
  created_at: text,
  url: text,
  creator: Login,
});

/** The run of a workflow that made a deployment: GitHub leaves its head repository out at times. */
const DeployedBy = z.looseObject({ event: text, head_repository: Repository }).nullish();

const deployment = z.looseObject({ ...Common, deployment: Deployment, workflow_run: DeployedBy }).transform(
  ({ action, repository, deployment: it, workflow_run: run, sender }): DeployFacts => ({
    verb: action ?? 'deployment',
    action: action ?? 'deployment',
    repository: repository?.full_name ?? '',
    ...commitOf(run ? ofRun(run, repository?.full_name) : OWN, firstText(it.ref), firstText(it.sha)),
    environment: firstText(it.environment),
    ...accountOf(it.creator, sender),
    url: firstText(it.url),
    time: toIsoTime(it.created_at),
  }),
);

// Its action is always `created`, like a new deployment's; the event's name distinguishes them for rules.
const deploymentStatus = z
  .looseObject({
    ...Common,
    deployment: Deployment,
    workflow_run: DeployedBy,
    deployment_status: z.looseObject({
      state: text,
      environment: text,
      target_url: text,
      environment_url: text,
      log_url: text,
      created_at: text,
      creator: Login,
    }),
  })
  .transform(
    ({ repository, deployment: it, workflow_run: run, deployment_status: status, sender }): DeployFacts => ({
      verb: 'deployment_status',
      action: 'deployment_status',
      repository: repository?.full_name ?? '',
      ...commitOf(run ? ofRun(run, repository?.full_name) : OWN, firstText(it.ref), firstText(it.sha)),
      environment: firstText(status.environment, it.environment),
      status: firstText(status.state),
      ...accountOf(status.creator, sender),
      url: firstText(status.log_url, status.target_url, status.environment_url, it.url),
      time: toIsoTime(status.created_at),
    }),
  );

type Run = z.infer<typeof WorkflowRun>;
const WorkflowRun = z.looseObject({
  event: text,
  head_branch: text,
  head_sha: text,
  status: text,
  conclusion: text,
  html_url: text,
  updated_at: text,
  actor: Login,
  head_repository: Repository,
});

const workflowRunBy = (whose: (run: Run, base: string | null | undefined) => Provenance) =>
  z.looseObject({ ...Common, workflow_run: WorkflowRun }).transform(
    ({ action, repository, workflow_run: run, sender }): DeployFacts => ({
      verb: 'workflow_run',
      action: action ?? 'workflow_run',
      repository: repository?.full_name ?? '',
      ...commitOf(whose(run, repository?.full_name), firstText(run.head_branch), firstText(run.head_sha)),
      status: firstText(run.conclusion, run.status),
      ...accountOf(run.actor, sender),
      url: firstText(run.html_url),
      time: toIsoTime(run.updated_at),
    }),
  );

/** GitHub always sends the branch's repository; it is null for a deleted fork. */
const workflowRun = workflowRunBy((run, base) => provenanceOf(run.head_repository?.full_name, base));
/** Gitea never sends it. */
export const giteaWorkflowRun = workflowRunBy(ofRun);

// A fork's pull request can start workflows in our suites, and the payload does not reveal it: branch and commit are
// left out.
const checkSuite = z
  .looseObject({
    ...Common,
    check_suite: z.looseObject({
      status: text,
      conclusion: text,
      url: text,
      updated_at: text,
    }),
  })
  .transform(
    ({ action, repository, check_suite: suite, sender }): DeployFacts => ({
      verb: 'check_suite',
      action: action ?? 'check_suite',
      repository: repository?.full_name ?? '',
      status: firstText(suite.conclusion, suite.status),
      ...accountOf(sender),
      url: firstText(suite.url),
      time: toIsoTime(suite.updated_at),
    }),
  );

const PUBLISHES: ReadonlySet<string> = new Set(['published', 'released', 'prereleased']);

const release = z
  .looseObject({
    ...Common,
    release: z.looseObject({
      tag_name: text,
      target_commitish: text,
      draft: z.boolean().nullish(),
      prerelease: z.boolean().nullish(),
      html_url: text,
      published_at: text,
      created_at: text,
    }),
  })
  .transform(
    ({ action, repository, release: it, sender }): DeployFacts => ({
      verb: 'release',
      action: action ?? 'release',
      repository: repository?.full_name ?? '',
      ref: firstText(it.tag_name),
      sha: /^[0-9a-f]{40}$/.test(it.target_commitish ?? '') ? firstText(it.target_commitish) : undefined,
      status: it.draft ? 'draft' : it.prerelease ? 'prerelease' : 'release',
      ...accountOf(sender),
      url: firstText(it.html_url),
      // An old one may be changed now; `created_at` is of its commit.
      time: PUBLISHES.has(action ?? '') ? toIsoTime(it.published_at) : undefined,
    }),
  );

const Package = z.looseObject({
  name: text,
  namespace: text,
  html_url: text,
  updated_at: text,
  package_version: z
    .looseObject({
      version: text,
      tag_name: text,
      target_oid: text,
      container_metadata: z.looseObject({ tag: z.looseObject({ name: text }).nullish() }).nullish(),
    })
    .nullish(),
});

const packageEvent = z
  .looseObject({ ...Common, package: Package })
  .transform(
    ({ action, repository, package: it, sender }): DeployFacts =>
      packageFacts('package', it, action, repository?.full_name, sender),
  );

const registryPackage = z
  .looseObject({ ...Common, registry_package: Package })
  .transform(
    ({ action, repository, registry_package: it, sender }): DeployFacts =>
      packageFacts('registry_package', it, action, repository?.full_name, sender),
  );

const repositoryDispatch = z.looseObject({ ...Common, branch: text }).transform(
  ({ action, repository, branch, sender }): DeployFacts => ({
    verb: 'repository_dispatch',
    action: action ?? 'repository_dispatch',
    repository: repository?.full_name ?? '',
    ref: firstText(branch),
    ...accountOf(sender),
  }),
);

/** By the name in `X-GitHub-Event`. Other events are authentic, but of no use to rules. */
export const DEPLOY_EVENTS: ReadonlyMap<string, z.ZodType<DeployFacts>> = new Map<
  string,
  z.ZodType<DeployFacts>
>([
  ['push', push],
  ['deployment', deployment],
  ['deployment_status', deploymentStatus],
  ['workflow_run', workflowRun],
  ['check_suite', checkSuite],
  ['release', release],
  ['package', packageEvent],
  ['registry_package', registryPackage],
  ['repository_dispatch', repositoryDispatch],
]);

type Payload = Readonly<Record<string, unknown>>;

/** The fields that identify the payload of each event. Payloads that contain another's fields come first. */
const SHAPES: readonly { event: string; has: readonly string[]; lacks?: readonly string[] }[] = [
  { event: 'ping', has: ['zen'] },
  { event: 'issue_comment', has: ['comment', 'issue'] },
  { event: 'repository_dispatch', has: ['client_payload'] },
  { event: 'push', has: ['ref', 'after'] },
  // A deployment's status carries the deployment and its workflow run too.
  { event: 'deployment_status', has: ['deployment_status'] },
  {
    event: 'deployment',
    has: ['deployment'],
    lacks: ['workflow_job', 'deployment_callback_url', 'reviewers'],
  },
  {
    event: 'workflow_run',
    has: ['workflow_run'],
    lacks: ['workflow_job', 'reviewers', 'approver', 'requestor'],
  },
  { event: 'check_suite', has: ['check_suite'], lacks: ['check_run'] },
  { event: 'release', has: ['release'] },
  { event: 'registry_package', has: ['registry_package'] },
  { event: 'package', has: ['package'] },
];

/** The name of the event, from the fields of its payload; undefined for an event that starts nothing. */
export function inferEvent(payload: Payload): string | undefined {
  const has = (key: string) => Object.hasOwn(payload, key);
  return SHAPES.find((shape) => shape.has.every(has) && !shape.lacks?.some(has))?.event;
}

/**
 * Which event a request is. The payload is signed, the header is not: otherwise a captured deployment status could be
 * replayed as a new deployment. The header may only confirm the payload; messages of the `events` queue have none.
 */
export function eventOf(payload: Payload, header: string | undefined): string | undefined {
  const event = inferEvent(payload);
  return header === undefined || header === event ? event : undefined;
}

/** Why a request with an unused event is ignored. */
export function whyUnused(title: string, header: string | undefined): string {
  const isUsed = header !== undefined && (DEPLOY_EVENTS.has(header) || header === 'issue_comment');
  return isUsed
    ? `${title}’s header says ${header}, and its signed body is something else`
    : `${title}’s event ${header ?? '(unnamed)'} starts nothing`;
}

/** Triggers that run a workflow on the repository's own commit; a pull request may run one on a fork's. */
const OWN_TRIGGERS: ReadonlySet<string> = new Set([
  'push',
  'create',
  'schedule',
  'workflow_dispatch',
  'repository_dispatch',
  'release',
  'dynamic',
]);

/** If a run has no head repository, its trigger decides; a null one was deleted. */
function ofRun(
  run: {
    event?: string | null | undefined;
    head_repository?: { full_name?: string | null | undefined } | null | undefined;
  },
  base: string | null | undefined,
): Provenance {
  if (run.head_repository !== undefined) return provenanceOf(run.head_repository?.full_name, base);
  return OWN_TRIGGERS.has(run.event ?? '') ? OWN : UNKNOWN;
}

function packageFacts(
  verb: string,
  it: z.infer<typeof Package>,
  action: string | null | undefined,
  repository: string | null | undefined,
  sender: Login,
): DeployFacts {
  const version = it.package_version;
  return {
    verb,
    action: action ?? verb,
    repository: firstText(repository, it.namespace, it.name) ?? '',
    ref: firstText(version?.container_metadata?.tag?.name, version?.tag_name, version?.version),
    sha: firstText(version?.target_oid),
    ...accountOf(sender),
    url: firstText(it.html_url),
    time: toIsoTime(it.updated_at),
  };
}
