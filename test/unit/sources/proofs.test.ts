/** The other ways in which a sender may prove itself, and that the weaker is not taken for the stronger. */

import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RawRequest } from '../../../lib/http/request.ts';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import { NOW } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const SECRET = 'the-live-secret';
const SIGNING = `whsec_${Buffer.from('thirty-two bytes make a live key').toString('base64')}`;
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

interface Attempt {
  headers?: Record<string, string>;
  path?: string;
  query?: string;
  secrets?: string[];
  settings?: unknown;
}

async function verdict(
  name: string,
  { headers = {}, path = '', query = '', ...given }: Attempt,
): Promise<string> {
  const request: RawRequest = {
    method: 'POST',
    path,
    query: new URLSearchParams(query),
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from('{}'),
  };
  const context = {
    secrets: given.secrets ?? [SECRET],
    now: NOW,
    settings: settingsOf(name, given.settings),
  };
  try {
    const received = await sourceNamed(name)?.receive(request, context);
    return received?.kind === 'refused' ? received.verification.reason : 'accepted';
  } catch {
    return 'accepted';
  }
}

describe('a proof', () => {
  it.each<[string, string, Attempt]>([
    ['a basic password of any user', 'alertmanager', { headers: { authorization: basic(`any:${SECRET}`) } }],
    [
      'a password with a colon',
      'alertmanager',
      { headers: { authorization: basic('any:a:b') }, secrets: ['a:b'] },
    ],
    ['a scheme in lower case', 'opsgenie', { headers: { authorization: `bearer ${SECRET}` } }],
    ['a bearer token', 'grafana', { headers: { authorization: `Bearer ${SECRET}` } }],
    ['a whole auth header', 'harbor', { headers: { authorization: SECRET } }],
    [
      'a secret that has its scheme in it',
      'harbor',
      { headers: { authorization: 'Token x' }, secrets: ['Token x'] },
    ],
    ['basic credentials of the URL', 'tencent-monitor', { headers: { authorization: basic(`u:${SECRET}`) } }],
    ['a token in the query', 'tencent-monitor', { query: `token=${SECRET}` }],
    ['an encoded path', 'dockerhub', { path: 'a%2Fb', secrets: ['a/b'] }],
    ['EventBridge’s token', 'cloud-assistant', { headers: { 'x-eventbridge-signature-token': SECRET } }],
  ])('that is %s is taken by %s', async (_, source, attempt) => {
    expect(await verdict(source, attempt)).toBe('accepted');
  });

  it.each<[string, string, Attempt]>([
    [
      'GitLab’s token where a signing token is configured',
      'gitlab',
      { headers: { 'x-gitlab-token': SECRET }, secrets: [SIGNING, SECRET] },
    ],
    [
      'the signing token itself, sent as a token',
      'gitlab',
      { headers: { 'x-gitlab-token': SIGNING }, secrets: [SIGNING] },
    ],
    [
      'a bearer token where a signed time is configured',
      'grafana',
      { headers: { authorization: `Bearer ${SECRET}` }, settings: { timestampHeader: 'X-Time' } },
    ],
    [
      'a bearer token beside a wrong signature',
      'grafana',
      { headers: { authorization: `Bearer ${SECRET}`, 'x-grafana-alerting-signature': 'ab' } },
    ],
    ['the secret as the user', 'alertmanager', { headers: { authorization: basic(`${SECRET}:`) } }],
    ['a secret without a scheme', 'alertmanager', { headers: { authorization: SECRET } }],
    [
      'signed at a time that is no number',
      'slack',
      {
        headers: {
          'x-slack-request-timestamp': '1e9',
          'x-slack-signature': `v0=${createHmac('sha256', SECRET).update('v0:1e9:{}').digest('hex')}`,
        },
      },
    ],
    ['without a webhook-timestamp', 'standard-webhooks', { headers: { 'webhook-id': 'msg_1' } }],
    [
      'made with a secret whose key is empty',
      'standard-webhooks',
      {
        headers: { 'webhook-id': 'm', 'webhook-timestamp': '1795170900', 'webhook-signature': 'v1,' },
        secrets: ['whsec_'],
      },
    ],
    ['a path with more behind it', 'dockerhub', { path: `${SECRET}/more` }],
    ['an undecodable path', 'dockerhub', { path: '%' }],
    ['the SHA-1 signature alone', 'github', { headers: { 'x-hub-signature': `sha1=${'0'.repeat(40)}` } }],
    [
      'GitHub’s signature of Gitea',
      'gitea',
      { headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` } },
    ],
    ['the empty signature of a hook without a secret', 'gitea', { headers: { 'x-gitea-signature': '' } }],
  ])('that is %s is refused by %s', async (_, source, attempt) => {
    expect(await verdict(source, attempt)).toBe('forged');
  });
});
