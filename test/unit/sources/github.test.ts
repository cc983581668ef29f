/** GitHub beyond its samples: every payload that Octokit knows, forms, forks, and who may command. */

import { readFileSync } from 'node:fs';
import { sign } from '@octokit/webhooks-methods';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { RawRequest } from '../../../lib/http/request.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { github } from '../../../lib/sources/github/receive.ts';
import type { Normalisation } from '../../../lib/sources/source.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { normalisationOf } from '../../fixtures/received-events.ts';
import { NOW } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const EXAMPLES = z
  .array(z.object({ name: z.string(), examples: z.array(z.record(z.string(), z.unknown())) }))
  .parse(
    JSON.parse(
      readFileSync(
        new URL(
          '../../../node_modules/@octokit/webhooks-examples/api.github.com/index.json',
          import.meta.url,
        ),
        'utf8',
      ),
    ),
  );

const SECRET = 'the-live-secret';
const USED = new Set([
  'push',
  'deployment',
  'deployment_status',
  'workflow_run',
  'check_suite',
  'release',
  'package',
  'registry_package',
  'repository_dispatch',
]);

/** Signed by GitHub's own library, so that our verifier is held to it. */
async function deliver(
  event: string,
  body: string,
  contentType = 'application/json',
): Promise<Normalisation> {
  const request: RawRequest = {
    method: 'POST',
    path: '',
    query: new URLSearchParams(),
    headers: {
      'content-type': contentType,
      'x-github-event': event,
      'x-github-delivery': 'd-1',
      'x-hub-signature-256': await sign(SECRET, body),
    },
    body: Buffer.from(body),
  };
  const received = await github.receive(request, {
    secrets: [SECRET],
    now: NOW,
    settings: settingsOf('github'),
  });
  if (received.kind === 'refused') throw new Error(received.verification.because);
  return received.normalisation;
}

describe('every payload of @octokit/webhooks-examples', () => {
  it.each(EXAMPLES.map(({ name, examples }) => [name, examples] as const))(
    '%s is taken',
    async (name, examples) => {
      for (const example of examples) {
        const made = await deliver(name, JSON.stringify(example));
        expect(made.kind).toBe(USED.has(name) ? 'events' : 'ignored');
        if (made.kind === 'events')
          for (const event of made.events) expect(TriggerEvent.parse(event)).toEqual(event);
      }
    },
  );

  it.each(
    EXAMPLES.filter(({ name }) => USED.has(name)).map(({ name, examples }) => [name, examples] as const),
  )('%s is known for what it is without its header', async (name, [example]) => {
    const message = github.receiveMessage(requestOfMessage(JSON.stringify(example)), {
      secrets: [SECRET],
      now: NOW,
      settings: settingsOf('github'),
    });
    const http = await deliver(name, JSON.stringify(example));
    const typeOf = (it: Normalisation) => (it.kind === 'events' ? it.events[0]?.type : it.kind);
    expect(typeOf(message)).toBe(typeOf(http));
  });
});

describe('a delivery', () => {
  const push = JSON.stringify({
    ref: 'refs/heads/main',
    after: 'abc',
    repository: { full_name: 'acme/web' },
  });

  it('as a form is signed over the form and read from its field', async () => {
    const form = new URLSearchParams({ payload: push }).toString();
    const made = await deliver('push', form, 'application/x-www-form-urlencoded');
    expect(made).toMatchObject({ kind: 'events', events: [{ type: 'deploy.push', subject: 'acme/web' }] });
  });

  it('of a ping starts nothing', async () => {
    expect(await deliver('ping', '{"zen":"Keep it logically awesome."}')).toEqual({
      kind: 'ignored',
      because: 'a ping: the hook is set up',
    });
  });

  it('without a delivery id has the body’s hash', async () => {
    const made = github.receiveMessage(requestOfMessage(push), {
      secrets: [SECRET],
      now: NOW,
      settings: settingsOf('github'),
    });
    expect(made).toMatchObject({ events: [{ id: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) }] });
  });
});

describe('what a deploy event says', () => {
  const dataOf = async (...given: Parameters<typeof normalisationOf>) => {
    const made = await normalisationOf(...given);
    return made.kind === 'events' ? made.events[0]?.data : made;
  };

  it('of a deleted branch: no commit', async () => {
    const data = await dataOf('github.push.json', (it) => ({ ...it, after: '0'.repeat(40) }));
    expect(data).toMatchObject({ status: 'deleted' });
    expect(data).not.toHaveProperty('sha');
  });

  it('of a fork’s branch: whose it is', async () => {
    const data = await dataOf('github.workflow_run.json', (it) => ({
      ...it,
      workflow_run: { ...Object(it['workflow_run']), head_repository: { full_name: 'mallory/octo-repo' } },
    }));
    expect(data).toMatchObject({ ref: 'mallory:master' });
  });

  it('of a container in the registry: its tag', async () => {
    const data = await deliver(
      'registry_package',
      JSON.stringify({
        action: 'published',
        registry_package: {
          name: 'web',
          namespace: 'acme',
          html_url: 'https://github.com/acme/web/pkgs/container/web',
          package_version: { version: 'sha256:1f', container_metadata: { tag: { name: 'v1.1' } } },
        },
        repository: { full_name: 'acme/web' },
        sender: { login: 'jsmith' },
      }),
    );
    expect(data).toMatchObject({
      events: [
        { type: 'deploy.registry_package', data: { action: 'published', ref: 'v1.1', actor: 'jsmith' } },
      ],
    });
  });
});

describe('a comment', () => {
  const comment = (fields: Record<string, unknown>, action = 'created') =>
    normalisationOf('github.issue_comment.json', (it) => ({
      ...it,
      action,
      comment: { ...Object(it['comment']), ...fields },
    }));
  const told = (made: Normalisation) => {
    if (made.kind !== 'events') return made.kind === 'ignored' ? made.because : made.kind;
    const data = made.events[0]?.data;
    return data !== undefined && 'command' in data && 'args' in data
      ? { command: data.command, args: data.args }
      : data;
  };

  it.each([
    ['a mention', '@fleet-reflex patch web', { command: '/fleet', args: ['patch', 'web'] }],
    ['a mention with a command', '@fleet-reflex /deploy web', { command: '/deploy', args: ['web'] }],
    ['more lines', '@Fleet-Reflex: patch\nbecause of the CVE', { command: '/fleet', args: ['patch'] }],
    ['another bot', '@fleet-reflex-test patch', 'the comment does not begin with @fleet-reflex'],
    ['talk', 'I asked @fleet-reflex patch web', 'the comment does not begin with @fleet-reflex'],
    ['a quotation', '> @fleet-reflex patch web', 'the comment does not begin with @fleet-reflex'],
    ['nothing', null, 'the comment does not begin with @fleet-reflex'],
  ])('with %s', async (_, body, expected) => {
    expect(told(await comment({ body }))).toEqual(expected);
  });

  it.each([
    ['a stranger', { author_association: 'NONE' }, 'the commenter’s association NONE may not command'],
    [
      'a contributor',
      { author_association: 'CONTRIBUTOR' },
      'the commenter’s association CONTRIBUTOR may not command',
    ],
    ['a member', { author_association: 'MEMBER' }, { command: '/fleet', args: ['patch', 'web'] }],
    ['a bot', { user: { id: 1, login: 'x[bot]', type: 'Bot' } }, 'the comment is not a person’s'],
    ['a ghost', { user: null }, 'the comment is not a person’s'],
  ])('of %s', async (_, fields, expected) => {
    expect(told(await comment(fields))).toEqual(expected);
  });

  it.each(['edited', 'deleted'])('that was %s commands nothing', async (action) => {
    expect(told(await comment({}, action))).toBe(`a comment was ${action}, not created`);
  });
});
