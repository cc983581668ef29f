/** The signatures that vendors publish, and what other libraries sign: our verifiers have to agree with them. */

import { sign as signByEd25519 } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { RawRequest } from '../../../lib/http/request.ts';
import { sourceNamed } from '../../../lib/sources/registry.ts';
import { ed25519Key } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

interface Vector {
  source: string;
  /** In parts: published examples look like secrets, and scanners do not know better. */
  secret: readonly string[];
  headers: Record<string, string>;
  body: string;
  /** When it was signed, where that matters. */
  at?: string;
  settings?: unknown;
}

const PAGERDUTY = {
  source: 'pagerduty',
  secret: ['lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8', 'lJqRnkKl2iB1anSb0Z+IK'],
  body: readFileSync(new URL('../../fixtures/pagerduty-vector.txt', import.meta.url), 'utf8'),
};

const VECTORS: Record<string, Vector> = {
  'Slack: docs.slack.dev, verifying requests': {
    source: 'slack',
    secret: ['8f742231b10e8888', 'abcd99yyyzzz85a5'],
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    at: '2018-07-12T18:37:30Z',
  },
  'GitHub: docs.github.com, validating deliveries': {
    source: 'github',
    secret: ["It's a Secret", ' to Everybody'],
    headers: {
      'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    },
    body: 'Hello, World!',
  },
  'GitHub: octokit, bytes that a re-serialisation would change': {
    source: 'github',
    secret: ['develop', 'ment'],
    headers: {
      'x-hub-signature-256': 'sha256=afecc3caa27548bb90d51a50384cb2868b9a3327b4ad6a01c9bd4ed0f8b0b12c',
    },
    body: '{"foo":"Foo\\n\\u001B[34mbar: ♥♥♥♥♥♥♥♥\\nthis-is-lost\\u001B[0m\\u001B[2K"}',
  },
  'Bitbucket: support.atlassian.com, manage webhooks': {
    source: 'bitbucket',
    secret: ["It's a Secret", ' to Everybody'],
    headers: { 'x-hub-signature': 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9' },
    body: 'Hello World!',
  },
  'Standard Webhooks: its own test suite': {
    source: 'standard-webhooks',
    secret: ['whsec_MfKQ9r8GKYqr', 'TwjUPD8ILPZIo2LaLaSw'],
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
    at: '2021-02-25T15:02:30Z',
  },
  'GitLab: the same, as a signing token': {
    source: 'gitlab',
    secret: ['whsec_MfKQ9r8GKYqr', 'TwjUPD8ILPZIo2LaLaSw'],
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
    at: '2021-02-25T15:02:30Z',
  },
  'Grafana: http/hmac_test.go, without a timestamp': {
    source: 'grafana',
    secret: ['sec', 'ret'],
    headers: {
      'x-grafana-alerting-signature': '3bcebf43c85d20bba6e3b6ba278af1d2ba3ab0d57de271b0ad30b833e851c5a6',
    },
    body: 'test message',
  },
  'Grafana: http/hmac_test.go, at the time 0': {
    source: 'grafana',
    secret: ['sec', 'ret'],
    headers: {
      'x-time': '0',
      'x-grafana-alerting-signature': 'ac18a483a582b60a883e974541afe25aa1026136163e94665649743324183ef1',
    },
    body: 'test message',
    at: '1970-01-01T00:01:00Z',
    settings: { timestampHeader: 'X-Time' },
  },
  'PagerDuty: go-pagerduty': {
    ...PAGERDUTY,
    headers: {
      'x-pagerduty-signature': 'v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd',
    },
  },
  'PagerDuty: the same in a list, while its secret is rotated': {
    ...PAGERDUTY,
    headers: {
      'x-pagerduty-signature':
        'v1=7020c8a7ec668a9b7012bc3dd82e483394b038f4230acc6785efbf2a7d8bcaf5, v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd',
    },
  },
};

/** Whether the signature was found right, whatever the body then is: some vectors sign no payload. */
async function isTaken({ source: name, secret, headers, body, at, settings }: Vector): Promise<boolean> {
  const source = sourceNamed(name);
  if (source === undefined) throw new Error(name);
  const request: RawRequest = {
    method: 'POST',
    path: '',
    query: new URLSearchParams(),
    headers,
    body: Buffer.from(body),
  };
  const now = new Date(at ?? '2026-11-20T10:35:00Z');
  const context = { secrets: [secret.join('')], now, settings: settingsOf(source, settings) };
  try {
    return (await source.receive(request, context)).kind === 'understood';
  } catch {
    return true;
  }
}

describe('a published vector', () => {
  it.each(Object.entries(VECTORS))('%s', async (_, vector) => {
    expect(await isTaken(vector)).toBe(true);
  });

  it.each(Object.entries(VECTORS))('%s: not with another body', async (_, vector) => {
    expect(await isTaken({ ...vector, body: `${vector.body} ` })).toBe(false);
  });

  it('PagerDuty: go-pagerduty, its mismatch', async () => {
    const headers = {
      'x-pagerduty-signature': 'v1=7020c8a7ec668a9b7012bc3dd82e483394b038f4230acc6785efbf2a7d8bcaf5',
    };
    expect(await isTaken({ ...PAGERDUTY, headers })).toBe(false);
  });
});

describe('Standard Webhooks', () => {
  const at = '2026-11-20T10:35:00Z';
  const secret = `whsec_${Buffer.from('thirty-two bytes make a live key').toString('base64')}`;
  const body = '{"type":"a.b","data":{}}';

  it('takes what the package standardwebhooks signs', async () => {
    const signature = new Webhook(secret).sign('msg_1', new Date(at), body);
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Date.parse(at) / 1000),
      'webhook-signature': `v1,AAAA ${signature}`,
    };
    expect(await isTaken({ source: 'standard-webhooks', secret: [secret], headers, body, at })).toBe(true);
  });

  it.each([
    [
      'text',
      'local-standard-webhooks-secret',
      Buffer.from('local-standard-webhooks-secret').toString('base64'),
    ],
    ['base64', 'dGhlIGxpdmUgc2VjcmV0', 'dGhlIGxpdmUgc2VjcmV0'],
  ])('takes a secret without a prefix as %s', async (_, plain, key) => {
    const signature = new Webhook(key).sign('msg_1', new Date(at), body);
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Date.parse(at) / 1000),
      'webhook-signature': signature,
    };
    expect(await isTaken({ source: 'standard-webhooks', secret: [plain], headers, body, at })).toBe(true);
  });

  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const privateKey = ed25519Key(seed);
  const publicKey = 'whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
  const signed = `msg_1.${Date.parse(at) / 1000}.${body}`;
  const signature = signByEd25519(null, Buffer.from(signed), privateKey).toString('base64');
  const asymmetric = (given: string) => ({
    source: 'standard-webhooks',
    secret: [publicKey],
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Date.parse(at) / 1000),
      'webhook-signature': given,
    },
    body,
    at,
  });

  it('takes an Ed25519 signature of the public key’s owner', async () => {
    expect(await isTaken(asymmetric(`v1a,${signature}`))).toBe(true);
  });

  it.each([
    ['of another body', () => ({ ...asymmetric(`v1a,${signature}`), body: `${body} ` })],
    ['with a stray bit', () => asymmetric(`v1a,${withStrayBit(signature)}`)],
    ['cut short', () => asymmetric(`v1a,${signature.slice(0, 40)}`)],
    ['named v1', () => asymmetric(`v1,${signature}`)],
    [
      'made with the public key as a secret',
      () => asymmetric(new Webhook(publicKey.slice(5)).sign('msg_1', new Date(at), body)),
    ],
  ])('refuses an Ed25519 signature %s', async (_, vector) => {
    expect(await isTaken(vector())).toBe(false);
  });
});

/** The same bytes for a lenient decoder: the last letter before the padding has bits that mean nothing. */
function withStrayBit(base64: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const at = base64.indexOf('=') - 1;
  return base64.slice(0, at) + alphabet[alphabet.indexOf(base64.charAt(at)) + 1] + base64.slice(at + 1);
}
