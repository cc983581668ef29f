/** `event.data.ref` is `main` where the repository's own main is meant: a stranger may name a branch as he likes. */

import { describe, expect, it } from 'vitest';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { NOW, samplesOf, signedSample, signerOf, sourceUnderTest } from '../../fixtures/signed-requests.ts';

type Payload = Record<string, unknown>;

/** What an event with this payload says of its commit; without the headers, which may only agree. */
function commitOf(source: string, payload: Payload): unknown {
  const { settings } = signerOf(source);
  const body = JSON.stringify(payload);
  const made = sourceUnderTest(source).receiveMessage(requestOfMessage(body), {
    secrets: [''],
    now: NOW,
    settings,
  });
  const event = made.kind === 'events' ? made.events[0] : undefined;
  if (event?.kind !== 'deploy') return made;
  const { ref, sha } = event.data;
  return { ...(ref !== undefined && { ref }), ...(sha !== undefined && { sha }) };
}

const SHA = 'f'.repeat(40);
const repository = { full_name: 'acme/site', id: 1 };
const ours = { full_name: 'acme/site', id: 1 };
const fork = { full_name: 'mallory/site', id: 2 };
const run = {
  head_branch: 'main',
  head_sha: SHA,
  status: 'completed',
  conclusion: 'success',
  event: 'pull_request',
};
const deployment = { ref: 'main', sha: SHA, environment: 'production' };
const deployment_status = { state: 'success' };

describe('of GitHub', () => {
  it.each([
    ['our own workflow run', { workflow_run: { ...run, head_repository: ours } }, { ref: 'main', sha: SHA }],
    ['a fork’s', { workflow_run: { ...run, head_repository: fork } }, { ref: 'mallory:main' }],
    [
      'a fork’s in our organisation',
      { workflow_run: { ...run, head_repository: { full_name: 'acme/fork' } } },
      { ref: 'acme:main' },
    ],
    ['a deleted fork’s', { workflow_run: { ...run, head_repository: null } }, {}],
    [
      'a deleted fork’s that says it was a push',
      { workflow_run: { ...run, event: 'push', head_repository: null } },
      {},
    ],
    ['one that says nothing', { workflow_run: { ...run, event: 'push' } }, {}],
    ['one whose repository has no name', { workflow_run: { ...run, head_repository: {} } }, {}],
    ['a check suite', { check_suite: { ...run, head_repository: ours } }, {}],
    ['a deployment by the API', { action: 'created', deployment }, { ref: 'main', sha: SHA }],
    [
      'a deployment by the API, its run null',
      { action: 'created', deployment, workflow_run: null },
      { ref: 'main', sha: SHA },
    ],
    [
      'a deployment by our run',
      { action: 'created', deployment, workflow_run: { ...run, head_repository: ours } },
      { ref: 'main', sha: SHA },
    ],
    [
      'a deployment by a run of ours that was pushed',
      { action: 'created', deployment, workflow_run: { event: 'push' } },
      { ref: 'main', sha: SHA },
    ],
    [
      'a deployment by a fork’s run',
      { action: 'created', deployment, workflow_run: { ...run, head_repository: fork } },
      { ref: 'mallory:main' },
    ],
    [
      'a deployment by a deleted fork’s run',
      { action: 'created', deployment, workflow_run: { ...run, head_repository: null } },
      {},
    ],
    ['a deployment by a pull request’s run', { action: 'created', deployment, workflow_run: run }, {}],
    [
      'a deployment of a pull request’s ref',
      { action: 'created', deployment: { ...deployment, ref: 'refs/pull/7/head' } },
      { ref: 'refs/pull/7/head' },
    ],
    [
      'a deployment of a pull request’s ref, in short',
      { action: 'created', deployment: { ...deployment, ref: 'pull/7/merge' } },
      { ref: 'pull/7/merge' },
    ],
    ['a push to a pull request’s ref', { ref: 'refs/pull/7/head', after: SHA }, { ref: 'refs/pull/7/head' }],
    ['a push that makes one', { ref: 'refs/for/main/x', after: SHA }, { ref: 'refs/for/main/x' }],
    [
      'a status of a fork’s deployment',
      { deployment, deployment_status, workflow_run: { ...run, head_repository: fork } },
      { ref: 'mallory:main' },
    ],
    [
      'a status of a deleted fork’s deployment',
      { deployment, deployment_status, workflow_run: { ...run, head_repository: null } },
      {},
    ],
    ['a status of our deployment', { deployment, deployment_status }, { ref: 'main', sha: SHA }],
  ])('%s', (_, payload, expected) => {
    expect(commitOf('github', { action: 'completed', repository, ...payload })).toEqual(expected);
  });
});

describe('of Gitea and Forgejo', () => {
  it.each(
    ['gitea', 'forgejo'].flatMap((source) => [
      [source, 'our own workflow run', { ...run, event: 'push' }, { ref: 'main', sha: SHA }] as const,
      [source, 'a pull request’s', run, {}] as const,
      [
        source,
        'a fork’s',
        { ...run, event: 'push', head_repository: fork },
        { ref: 'mallory:main' },
      ] as const,
      [source, 'a deleted fork’s', { ...run, event: 'push', head_repository: null }, {}] as const,
    ]),
  )('%s: %s', (source, _, workflowRun, expected) => {
    expect(commitOf(source, { action: 'completed', repository, workflow_run: workflowRun })).toEqual(
      expected,
    );
  });
});

describe('of GitLab', () => {
  const project = { path_with_namespace: 'acme/site' };
  const pipeline = (source: string | undefined, request?: unknown) => ({
    object_kind: 'pipeline',
    object_attributes: { ref: 'main', sha: SHA, status: 'success', source },
    merge_request: request,
    project,
  });
  const deployed = (ref: string) => ({
    object_kind: 'deployment',
    status: 'success',
    ref,
    commit_url: `https://gitlab.example.com/acme/site/-/commit/${SHA}`,
    project,
  });

  it.each([
    ['a pipeline of a push', pipeline('push'), { ref: 'main', sha: SHA }],
    [
      'of a merge request of ours',
      pipeline('merge_request_event', { source_project_id: 1, target_project_id: 1 }),
      { ref: 'main', sha: SHA },
    ],
    [
      'of a fork’s',
      pipeline('merge_request_event', { source_project_id: 99, target_project_id: 1 }),
      { ref: '99:main' },
    ],
    [
      'of a deleted fork’s',
      pipeline('merge_request_event', { source_project_id: null, target_project_id: 1 }),
      {},
    ],
    ['of one that names no projects', pipeline('merge_request_event', {}), {}],
    ['of two deleted projects', pipeline('push', { source_project_id: null, target_project_id: null }), {}],
    ['of a merge request that is not there', pipeline('merge_request_event'), {}],
    ['of an external pull request', pipeline('external_pull_request_event', null), {}],
    ['of a parent that is not told', pipeline('parent_pipeline'), {}],
    ['that does not say of what', pipeline(undefined), {}],
    ['a deployment', deployed('main'), { ref: 'main', sha: SHA }],
    [
      'a deployment of a merge request',
      deployed('refs/merge-requests/7/head'),
      { ref: 'refs/merge-requests/7/head' },
    ],
  ])('%s', (_, payload, expected) => {
    expect(commitOf('gitlab', payload)).toEqual(expected);
  });
});

it('of Bitbucket: a build status, whose branch may be a fork’s', () => {
  const commit_status = {
    state: 'SUCCESSFUL',
    refname: 'main',
    commit: { hash: SHA },
    links: { commit: { href: `https://api.bitbucket.org/2.0/repositories/acme/site/commit/${SHA}` } },
  };
  expect(commitOf('bitbucket', { repository, commit_status })).toEqual({});
});

describe('a branch that is told', () => {
  /** Pushes, tags, releases and packages need the right to write; Argo CD and the registries tell of no fork. */
  const OF_WRITERS =
    /\.(push|refs_changed|release|package|registry_package|repository_dispatch|deployment|deployment_status)\.json$|^(argocd|dockerhub|harbor)\./;
  const files = [...SOURCES.keys()]
    .flatMap((name) => samplesOf(name))
    .map((sample) => [sample.file, sample] as const);

  it.each(files)('is whose can be known: %s', async (file, sample) => {
    const { secrets, settings } = signerOf(sample.source);
    const received = await sourceUnderTest(sample.source).receive(signedSample(sample), {
      secrets: [secrets[0]],
      now: NOW,
      settings,
    });
    const events =
      received.kind === 'understood' && received.normalisation.kind === 'events'
        ? received.normalisation.events
        : [];
    const told = events.some(
      (event) => event.kind === 'deploy' && (event.data.ref ?? event.data.sha) !== undefined,
    );
    const mayBeTold =
      OF_WRITERS.test(file) || ['github.workflow_run.json', 'gitlab.pipeline.json'].includes(file);
    expect(told && !mayBeTold).toBe(false);
  });
});
