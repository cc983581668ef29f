/**
 * The name of an event comes in a header that nobody signs, the event in a body that is signed: every body is sent
 * under every name, and only its own is believed.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { RawRequest } from '../../../lib/http/request.ts';
import {
  NOW,
  samplesOf,
  signedRequest,
  signedSample,
  signerOf,
  sourceUnderTest,
} from '../../fixtures/signed-requests.ts';

const Examples = z.array(z.looseObject({ name: z.string(), examples: z.array(z.unknown()) }));
const EXAMPLES = Examples.parse(
  JSON.parse(
    readFileSync(
      new URL('../../../node_modules/@octokit/webhooks-examples/api.github.com/index.json', import.meta.url),
      'utf8',
    ),
  ),
);

/** The types of the events that a request is taken for. */
async function typesOf(source: string, request: RawRequest): Promise<readonly string[]> {
  const { secrets, settings } = signerOf(source);
  const received = await sourceUnderTest(source).receive(request, {
    secrets: [secrets[0]],
    now: NOW,
    settings,
  });
  const made = received.kind === 'understood' ? received.normalisation : received;
  return made.kind === 'events' ? made.events.map(({ type }) => type) : [];
}

describe('of GitHub, whatever the header says,', () => {
  const names = EXAMPLES.map(({ name }) => name);

  it.each(EXAMPLES.map(({ name, examples }) => [name, examples] as const))(
    'a signed %s is nothing else',
    async (name, examples) => {
      const taken: string[] = [];
      for (const example of examples) {
        const request = signedRequest('github', { body: Buffer.from(JSON.stringify(example)) });
        for (const header of names) {
          const headers = { ...request.headers, 'x-github-event': header };
          const types = await typesOf('github', { ...request, headers });
          if (types.length > 0 && header !== name) taken.push(`${header}: ${types.join()}`);
        }
      }
      expect(taken).toEqual([]);
    },
  );
});

describe('every sample under every name that its source may give', () => {
  const KINDS: Readonly<Record<string, readonly [header: string, ...names: string[]]>> = {
    github: ['x-github-event', ...EXAMPLES.map(({ name }) => name)],
    gitea: [
      'x-gitea-event',
      'push',
      'release',
      'package',
      'workflow_run',
      'issue_comment',
      'pull_request',
      'create',
    ],
    forgejo: [
      'x-forgejo-event',
      'push',
      'release',
      'package',
      'workflow_run',
      'issue_comment',
      'pull_request',
    ],
    gitlab: [
      'x-gitlab-event',
      'Push Hook',
      'Tag Push Hook',
      'Deployment Hook',
      'Pipeline Hook',
      'Release Hook',
      'Note Hook',
      'Job Hook',
    ],
    bitbucket: [
      'x-event-key',
      'repo:push',
      'repo:commit_status_created',
      'repo:commit_status_updated',
      'repo:refs_changed',
      'pr:merged',
      'mirror:repo_synchronized',
    ],
    sentry: [
      'sentry-hook-resource',
      'event_alert',
      'metric_alert',
      'issue',
      'error',
      'comment',
      'installation',
    ],
    sns: ['x-amz-sns-message-type', 'Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'],
    harbor: ['ce-type', 'harbor.artifact.pushed', 'harbor.artifact.deleted', 'harbor.scan.completed'],
    cloudevents: ['ce-type', 'com.example.other'],
  };
  const crossed = Object.entries(KINDS).flatMap(([source, [header, ...names]]) =>
    samplesOf(source).map((sample) => [sample.file, sample, header, names] as const),
  );

  it.each(crossed)('%s is what it is, or nothing', async (_, sample, header, names) => {
    const request = signedSample(sample);
    const own = await typesOf(sample.source, request);
    for (const name of names) {
      const types = await typesOf(sample.source, {
        ...request,
        headers: { ...request.headers, [header]: name },
      });
      if (types.length > 0) expect([name, types]).toEqual([name, own]);
    }
    const { [header]: _header, ...without } = request.headers;
    expect(await typesOf(sample.source, { ...request, headers: without })).toEqual(own);
  });

  it('has every source that reads such a header', () => {
    expect(crossed.length).toBeGreaterThan(20);
  });
});
