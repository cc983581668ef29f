/** What each deploy source makes of its samples, field by field. */

import { describe, expect, it } from 'vitest';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { eventsOf, normalisationOf } from '../../fixtures/received-events.ts';
import { NOW } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

describe('a deploy event', () => {
  it('of GitHub, a push', async () => {
    expect(await eventsOf('github.push.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "Codertocat",
            "actorId": "21031067",
            "ref": "refs/heads/master",
            "repository": "Codertocat/Hello-World",
            "sha": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
            "url": "https://github.com/Codertocat/Hello-World/commit/6113728f27ae82c7b1a177c8d03f9e96e0adf246",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-3d6f73602656b72c31b7309510a8e055b3eb847148ae83916c51efdb26fccce7",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/Hello-World",
          "time": "2026-11-20T10:14:17.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of GitHub, a deployment', async () => {
    expect(await eventsOf('github.deployment.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "created",
            "actor": "Codertocat",
            "actorId": "21031067",
            "environment": "production",
            "ref": "master",
            "repository": "Codertocat/Hello-World",
            "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
            "url": "https://api.github.com/repos/Codertocat/Hello-World/deployments/145988746",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-ce20adc7e12517392c218db91b804867f82e542f8c654d450aa0969a7dcaf844",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/Hello-World",
          "time": "2026-11-20T15:20:53.000Z",
          "type": "deploy.created",
        },
      ]
    `);
  });
  it('of GitHub, a deployment status', async () => {
    expect(await eventsOf('github.deployment_status.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "deployment_status",
            "actor": "Codertocat",
            "actorId": "21031067",
            "environment": "production",
            "ref": "master",
            "repository": "Codertocat/Hello-World",
            "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
            "status": "success",
            "url": "https://api.github.com/repos/Codertocat/Hello-World/deployments/145988746",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-088e6d30bd50e05508fa51dec249a18aec984062f42b3fd16cfb3213cb32753e",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/Hello-World",
          "time": "2026-11-20T15:20:55.000Z",
          "type": "deploy.deployment_status",
        },
      ]
    `);
  });
  it('of GitHub, a workflow run', async () => {
    expect(await eventsOf('github.workflow_run.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "completed",
            "actor": "Codertocat",
            "actorId": "15669918",
            "ref": "master",
            "repository": "octo-org/octo-repo",
            "sha": "3484a3fb816e0859fd6e1cea078d76385ff50625",
            "status": "success",
            "url": "https://github.com/octo-org/octo-repo/actions/runs/289782451",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-44f9c2e81ab8507cf5f40060acf0c27bbf293d87b31fa33e149545dc007b3b0b",
          "kind": "deploy",
          "source": "github",
          "subject": "octo-org/octo-repo",
          "time": "2026-11-20T16:33:49.000Z",
          "type": "deploy.workflow_run",
        },
      ]
    `);
  });
  it('of GitHub, a release', async () => {
    expect(await eventsOf('github.release.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "published",
            "actor": "Codertocat",
            "actorId": "21031067",
            "ref": "0.0.1",
            "repository": "Codertocat/Hello-World",
            "status": "release",
            "url": "https://github.com/Codertocat/Hello-World/releases/tag/0.0.1",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-2b4b67d8cdbc645d54da47883eb701ff1b2b90e19bfdaedb40f246264cf6ac73",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/Hello-World",
          "time": "2026-11-20T15:20:53.000Z",
          "type": "deploy.release",
        },
      ]
    `);
  });
  it('of GitHub, a package', async () => {
    expect(await eventsOf('github.package.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "published",
            "actor": "Codertocat",
            "actorId": "21031067",
            "ref": "1.0.0",
            "repository": "Codertocat/hello-world-npm",
            "sha": "6c62fb45fe66bfb1ea9a66abc38f6a0cc974292b",
            "url": "https://github.com/Codertocat/hello-world-npm/packages/10696",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-e69b4a69bb531f251e6eddcffdbebc2e839a8fefdd5acbfb348676b8654d15b0",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/hello-world-npm",
          "time": "2026-11-20T23:28:29.000Z",
          "type": "deploy.package",
        },
      ]
    `);
  });
  it('of GitHub, a check suite', async () => {
    expect(await eventsOf('github.check_suite.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "completed",
            "actor": "Codertocat",
            "actorId": "21031067",
            "repository": "Codertocat/Hello-World",
            "status": "success",
            "url": "https://api.github.com/repos/Codertocat/Hello-World/check-suites/118578147",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-82ed4b4069aab4950990ce008c60f01315a418252327b90b095c755b5f0aab37",
          "kind": "deploy",
          "source": "github",
          "subject": "Codertocat/Hello-World",
          "time": "2026-11-20T15:21:14.000Z",
          "type": "deploy.check_suite",
        },
      ]
    `);
  });
  it('of GitHub, a repository dispatch', async () => {
    expect(await eventsOf('github.repository_dispatch.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "on-demand-test",
            "actor": "Codertocat",
            "actorId": "21031067",
            "ref": "master",
            "repository": "octo-org/octo-repo",
          },
          "deliveryid": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
          "id": "sha256-6f836b0284c8e619a5f09bd8048b8a88f3671ddbe7c77d4d595641188b262039",
          "kind": "deploy",
          "source": "github",
          "subject": "octo-org/octo-repo",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "deploy.repository_dispatch",
        },
      ]
    `);
  });
  it('of GitLab, a push', async () => {
    expect(await eventsOf('gitlab.push.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "jsmith",
            "actorId": "4",
            "ref": "refs/heads/main",
            "repository": "acme/web",
            "sha": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
            "url": "https://gitlab.example.com/acme/web",
          },
          "deliveryid": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
          "id": "sha256-59ec3fe742dde2a3509a34dfa5f7b8e7df5895b1bec0138a4f69b484df3491bb",
          "kind": "deploy",
          "source": "gitlab",
          "subject": "acme/web",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of GitLab, a deployment', async () => {
    expect(await eventsOf('gitlab.deployment.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "deployment_status",
            "actor": "root",
            "actorId": "1",
            "environment": "staging",
            "ref": "main",
            "repository": "acme/web",
            "sha": "279484c09fbe69ededfced8c1bb6e6d24616b468",
            "status": "success",
            "url": "https://gitlab.example.com/acme/web/-/jobs/796",
          },
          "deliveryid": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
          "id": "sha256-9cbf3bafe5de307ebec2447863ea5aa3270efd7c6183d1b6888486c6cecfc0d5",
          "kind": "deploy",
          "source": "gitlab",
          "subject": "acme/web",
          "time": "2026-11-20T10:21:00.000Z",
          "type": "deploy.deployment_status",
        },
      ]
    `);
  });
  it('of GitLab, a pipeline', async () => {
    expect(await eventsOf('gitlab.pipeline.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "pipeline",
            "actor": "root",
            "actorId": "1",
            "ref": "main",
            "repository": "acme/web",
            "sha": "bcbb5ec396a2c0f828686f14fac9b80b780504f2",
            "status": "success",
            "url": "https://gitlab.example.com/acme/web/-/pipelines/31",
          },
          "deliveryid": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
          "id": "sha256-45f77f679048a6274ba8bf92c0129c16f36a394fb902431e737ba4479f07e23e",
          "kind": "deploy",
          "source": "gitlab",
          "subject": "acme/web",
          "time": "2026-11-20T10:22:29.000Z",
          "type": "deploy.pipeline",
        },
      ]
    `);
  });
  it('of GitLab, a release', async () => {
    expect(await eventsOf('gitlab.release.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "create",
            "ref": "v1.1",
            "repository": "acme/web",
            "sha": "ee0a3fb31ac16e11b9dbb596ad16d4af654d08f8",
            "url": "https://gitlab.example.com/acme/web/-/releases/v1.1",
          },
          "deliveryid": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
          "id": "sha256-ed355b4fd60ff79f9c5594770d5c30245e8e257fc637e29857c1a23f9eaec96d",
          "kind": "deploy",
          "source": "gitlab",
          "subject": "acme/web",
          "time": "2026-11-20T10:23:12.000Z",
          "type": "deploy.release",
        },
      ]
    `);
  });
  it('of Gitea, a push', async () => {
    expect(await eventsOf('gitea.push.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "jsmith",
            "actorId": "1",
            "ref": "refs/heads/main",
            "repository": "acme/web",
            "sha": "bffeb74224043ba2feb48d137756c8a9331c449a",
            "url": "https://git.example.com/acme/web/compare/28e1879d029cb852e4844d9c718537df08844e03...bffeb74224043ba2feb48d137756c8a9331c449a",
          },
          "deliveryid": "f6266f16-1bf3",
          "id": "sha256-06c574caab1e447af7b4898ea507fcc8365171a19097c71cde6ed1d0bf67ade2",
          "kind": "deploy",
          "source": "gitea",
          "subject": "acme/web",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Gitea, a release', async () => {
    expect(await eventsOf('gitea.release.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "published",
            "actor": "jsmith",
            "actorId": "1",
            "ref": "v1.1",
            "repository": "acme/web",
            "status": "release",
            "url": "https://git.example.com/acme/web/releases/tag/v1.1",
          },
          "deliveryid": "f6266f16-1bf3",
          "id": "sha256-6677b798dbc44323e0647d1676f5f120cfb25ca76d1814d1fb995622bae9c53a",
          "kind": "deploy",
          "source": "gitea",
          "subject": "acme/web",
          "time": "2026-11-20T09:26:00.000Z",
          "type": "deploy.release",
        },
      ]
    `);
  });
  it('of Forgejo', async () => {
    expect(await eventsOf('forgejo.push.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "jsmith",
            "actorId": "1",
            "ref": "refs/heads/main",
            "repository": "acme/web",
            "sha": "bffeb74224043ba2feb48d137756c8a9331c449a",
            "url": "https://git.example.com/acme/web/compare/28e1879d029cb852e4844d9c718537df08844e03...bffeb74224043ba2feb48d137756c8a9331c449a",
          },
          "deliveryid": "f6266f16-1bf3",
          "id": "sha256-06c574caab1e447af7b4898ea507fcc8365171a19097c71cde6ed1d0bf67ade2",
          "kind": "deploy",
          "source": "forgejo",
          "subject": "acme/web",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Bitbucket Cloud, a push', async () => {
    expect(await eventsOf('bitbucket.push.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "emma",
            "actorId": "557058:c0b72ad0",
            "ref": "refs/heads/main",
            "repository": "acme/web",
            "sha": "709d658dc5b6d6afcd46049c2f332ee3f515a67d",
            "url": "https://bitbucket.org/acme/web/branches/compare/709d658dc5b6..1e65c05c1d51",
          },
          "deliveryid": "5f0d2c0e-4a0b",
          "id": "sha256-38f273329c5cabe04ba05734c58b56bc83947587380e23743ac9c9bf903e95a9",
          "kind": "deploy",
          "source": "bitbucket",
          "subject": "acme/web",
          "time": "2026-11-20T10:35:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Bitbucket Data Center, a push', async () => {
    expect(await eventsOf('bitbucket.refs_changed.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "admin",
            "actorId": "1",
            "ref": "refs/heads/main",
            "repository": "ACME/web",
            "sha": "178864a7d521b6f5e720b386b2c2b0ef8563e0dc",
          },
          "deliveryid": "5f0d2c0e-4a0b",
          "id": "sha256-2af120a58dadfa1c7788c225bad38d4ef9ae968994365f8a1d1f770ed0681289",
          "kind": "deploy",
          "source": "bitbucket",
          "subject": "ACME/web",
          "time": "2026-11-20T10:28:11.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Bitbucket Cloud, a commit status', async () => {
    expect(await eventsOf('bitbucket.commit_status.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "commit_status",
            "actor": "emma",
            "repository": "acme/web",
            "status": "SUCCESSFUL",
            "url": "https://ci.example.com/builds/17",
          },
          "deliveryid": "5f0d2c0e-4a0b",
          "id": "sha256-e8708ffb2b3eb99c71bd43fa92140a1350d7be4584cbfa9bd086ba26a9652056",
          "kind": "deploy",
          "source": "bitbucket",
          "subject": "acme/web",
          "time": "2026-11-20T10:29:20.881Z",
          "type": "deploy.commit_status",
        },
      ]
    `);
  });
  it('of Docker Hub', async () => {
    expect(await eventsOf('dockerhub.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "jsmith",
            "ref": "v1.1",
            "repository": "acme/web",
            "url": "https://registry.hub.docker.com/v2/repositories/acme/web/",
          },
          "id": "acme/web:v1.1@1795170600",
          "kind": "deploy",
          "source": "dockerhub",
          "subject": "acme/web",
          "time": "2026-11-20T10:30:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Harbor', async () => {
    expect(await eventsOf('harbor.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "robot$ci",
            "ref": "v1.1",
            "repository": "acme/web",
            "sha": "sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8",
            "url": "harbor.example.com/acme/web:v1.1",
          },
          "id": "PUSH_ARTIFACT/acme%2Fweb/sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8/v1.1/1795170660",
          "kind": "deploy",
          "source": "harbor",
          "subject": "acme/web",
          "time": "2026-11-20T10:31:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Harbor, as a CloudEvent', async () => {
    expect(await eventsOf('harbor.cloudevents.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "push",
            "actor": "robot$ci",
            "ref": "v1.1",
            "repository": "acme/web",
            "sha": "sha256:954b378c375d852eb3c63ab88978f640b4348b01c1b3456a024a81536dafbbf4",
            "url": "harbor.example.com/acme/web:v1.1",
          },
          "id": "66ccbeec-5b4d-49d2-9fa0-1d5b1e0a9a0e",
          "kind": "deploy",
          "source": "harbor",
          "subject": "acme/web",
          "time": "2026-11-20T10:31:00.000Z",
          "type": "deploy.push",
        },
      ]
    `);
  });
  it('of Argo CD', async () => {
    expect(await eventsOf('argocd.json')).toMatchInlineSnapshot(`
      [
        {
          "data": {
            "action": "sync",
            "environment": "production",
            "ref": "main",
            "repository": "acme/deploy",
            "sha": "709d658dc5b6d6afcd46049c2f332ee3f515a67d",
            "status": "Succeeded",
            "url": "https://argocd.example.com/applications/web",
          },
          "id": "web/709d658dc5b6d6afcd46049c2f332ee3f515a67d/Succeeded/2026-11-20T10:31:40Z",
          "kind": "deploy",
          "source": "argocd",
          "subject": "web",
          "time": "2026-11-20T10:32:02.000Z",
          "type": "deploy.sync",
        },
      ]
    `);
  });
});

const told = async (...given: Parameters<typeof normalisationOf>): Promise<unknown> => {
  const made = await normalisationOf(...given);
  if (made.kind !== 'events') return made.kind === 'ignored' ? made.because : made.kind;
  return made.events.map(({ type, id, data: { raw: _, ...data } }) => ({ type, id, ...data }));
};

describe('a deploy event that is', () => {
  it('a GitLab deployment’s beginning has GitHub’s word for it, and no status', async () => {
    const made = await told('gitlab.deployment.json', (it) => ({ ...it, status: 'created' }));
    expect(made).toMatchObject([{ type: 'deploy.created', action: 'created' }]);
    expect(made).not.toMatchObject([{ status: expect.anything() }]);
  });

  it('a GitLab pipeline of a fork names the fork', async () => {
    const made = await told('gitlab.pipeline.json', (it) => ({
      ...it,
      merge_request: { source_project_id: 99, target_project_id: 30 },
    }));
    expect(made).toMatchObject([{ ref: '99:main' }]);
  });

  it('a GitLab tag push keeps its name', async () => {
    const change = (it: object) => ({ ...it, object_kind: 'tag_push', ref: 'refs/tags/v1.1' });
    expect(await told('gitlab.push.json', change)).toMatchObject([
      { type: 'deploy.tag_push', ref: 'refs/tags/v1.1' },
    ]);
  });

  it('a Bitbucket push of a tag and a deleted branch is two events', async () => {
    const made = await told('bitbucket.push.json', (it) => ({
      ...it,
      push: {
        changes: [
          { new: { type: 'tag', name: 'v1', target: { hash: 'abc' } }, old: null },
          { new: null, old: { type: 'branch', name: 'old' } },
        ],
      },
    }));
    expect(made).toEqual([
      {
        type: 'deploy.push',
        id: expect.stringMatching(/^sha256-[0-9a-f]{64}\/0$/),
        action: 'push',
        repository: 'acme/web',
        ref: 'refs/tags/v1',
        sha: 'abc',
        actor: 'emma',
        actorId: '557058:c0b72ad0',
      },
      {
        type: 'deploy.push',
        id: expect.stringMatching(/^sha256-[0-9a-f]{64}\/1$/),
        action: 'push',
        repository: 'acme/web',
        ref: 'refs/heads/old',
        status: 'deleted',
        actor: 'emma',
        actorId: '557058:c0b72ad0',
      },
    ]);
  });

  it('a Harbor pull starts nothing', async () => {
    expect(await told('harbor.json', (it) => ({ ...it, type: 'PULL_ARTIFACT' }))).toBe(
      'Harbor’s event PULL_ARTIFACT starts nothing',
    );
  });

  it('an Argo CD health without an operation has the health', async () => {
    const change = (it: object) => ({ ...it, phase: '<no value>', health: 'Degraded', started_at: '<nil>' });
    expect(await told('argocd.json', change)).toMatchObject([
      {
        type: 'deploy.health',
        status: 'Degraded',
        id: 'web/709d658dc5b6d6afcd46049c2f332ee3f515a67d/Degraded/',
      },
    ]);
  });

  it.each([
    ['https://github.com/acme/deploy.git', 'acme/deploy'],
    ['git@github.com:acme/deploy.git', 'acme/deploy'],
    ['https://gitlab.example.com/group/sub/deploy', 'group/sub/deploy'],
    ['charts', 'charts'],
  ])('of Argo CD’s repository %s is of %s', async (repo_url, repository) => {
    expect(await told('argocd.json', (it) => ({ ...it, repo_url }))).toMatchObject([{ repository }]);
  });

  it('a GitLab issue starts nothing', async () => {
    expect(await told('gitlab.push.json', (it) => ({ ...it, object_kind: 'issue' }))).toBe(
      'GitLab’s event issue starts nothing',
    );
  });
});

describe('what Gitea sends without its headers', () => {
  const receive = (value: unknown, settings?: unknown) =>
    sourceNamed('gitea')?.receiveMessage(requestOfMessage(JSON.stringify(value)), {
      secrets: ['unused'],
      now: NOW,
      settings: settingsOf('gitea', settings),
    });
  const repository = { id: 12, full_name: 'acme/web' };
  const comment = {
    action: 'created',
    issue: { number: 3 },
    comment: { body: '@fleet-reflex patch web', user: { id: 1, login: 'jsmith' } },
    repository,
  };

  it('a package has its version', () => {
    const it = {
      action: 'created',
      package: { name: 'web', version: 'v1.1', html_url: 'https://git.example.com/acme/-/packages/1' },
      sender: { login: 'jsmith' },
    };
    expect(receive(it)).toMatchObject({
      events: [
        {
          type: 'deploy.package',
          data: { repository: 'web', ref: 'v1.1', actor: 'jsmith', action: 'created' },
        },
      ],
    });
  });

  it('a comment of a named user is a command', () => {
    expect(receive(comment, { commenters: ['jsmith'] })).toMatchObject({
      events: [
        {
          type: 'chat.command',
          data: {
            command: '/fleet',
            args: ['patch', 'web'],
            user: { id: '1', name: 'jsmith' },
            channel: { id: '12#3', name: 'acme/web#3' },
          },
        },
      ],
    });
  });

  it('a comment of another is none', () => {
    expect(receive(comment)).toEqual({ kind: 'ignored', because: 'the user jsmith may not command' });
  });

  it('an issue starts nothing', () => {
    expect(receive({ action: 'opened', issue: {} })).toEqual({
      kind: 'ignored',
      because: 'Gitea’s event (unnamed) starts nothing',
    });
  });
});
