/** SNS: what stands between a message and us, with a certificate of our own making and a fetcher that is a map. */

import { sign } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  certificateKeys,
  fetchFromSns,
  isCertificateUrl,
  isSubscribeUrl,
} from '../../../lib/sources/sns/certificate.ts';
import { SnsMessage, stringToSign } from '../../../lib/sources/sns/message.ts';
import { defineSnsSource } from '../../../lib/sources/sns/receive.ts';
import type { Received } from '../../../lib/sources/source.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const NOW = new Date('2026-11-20T10:35:00Z');
const CERTIFICATE_URL =
  'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem';
const SUBSCRIBE_URL = 'https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alarms';
const YEAR = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2027-01-01T00:00:00Z') };
const certificate = makeCertificate(YEAR);

const NOTIFICATION = {
  Type: 'Notification',
  MessageId: 'm-1',
  TopicArn: TOPIC,
  Subject: 'hello',
  Message: '{"hello":"world"}',
  Timestamp: '2026-11-20T10:30:00.000Z',
  SigningCertURL: CERTIFICATE_URL,
};
const CONFIRMATION = {
  Type: 'SubscriptionConfirmation',
  MessageId: 'm-2',
  TopicArn: TOPIC,
  Token: '2336412f37',
  Message: 'You have chosen to subscribe',
  SubscribeURL: SUBSCRIBE_URL,
  Timestamp: '2026-11-20T10:30:00.000Z',
  SigningCertURL: CERTIFICATE_URL,
};

function signed(message: Record<string, unknown>, version: '1' | '2' = '2', key = certificate.privateKey) {
  const text = stringToSign(SnsMessage.parse(message));
  const signature = sign(version === '1' ? 'sha1' : 'sha256', Buffer.from(text), key);
  return { ...message, SignatureVersion: version, Signature: signature.toString('base64') };
}

/** Posts a message to a source that can fetch the certificate and the subscription, and nothing else. */
async function post(message: unknown, settings: unknown = { topics: [TOPIC] }, pem = certificate.pem) {
  const fetched: string[] = [];
  const source = defineSnsSource(async (url) => {
    fetched.push(url);
    return pem;
  });
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  const received = await source.receive(
    {
      method: 'POST',
      path: '',
      query: new URLSearchParams(),
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body,
    },
    { secrets: ['unused'], now: NOW, settings: settingsOf(source, settings) },
  );
  return { told: told(received), fetched };
}

function told(received: Received): string {
  if (received.kind === 'refused') return `${received.verification.reason}: ${received.verification.because}`;
  const made = received.normalisation;
  if (made.kind === 'events') return made.events.map(({ type }) => type).join();
  return made.kind === 'ignored' ? made.because : `answered ${made.answer.status}`;
}

describe('a message of SNS', () => {
  it.each([
    ['version 2', signed(NOTIFICATION, '2')],
    ['version 1', signed(NOTIFICATION, '1')],
    ['no subject', signed({ ...NOTIFICATION, Subject: undefined })],
  ])('with %s is taken', async (_, message) => {
    expect(await post(message)).toEqual({ told: 'generic.notification', fetched: [CERTIFICATE_URL] });
  });

  it.each([
    [
      'another topic',
      signed({ ...NOTIFICATION, TopicArn: `${TOPIC}-of-others` }),
      'its topic is not one of the settings',
    ],
    [
      'a certificate of others',
      signed({
        ...NOTIFICATION,
        SigningCertURL:
          'https://sns.example.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem',
      }),
      'its certificate is not of SNS',
    ],
    ['a changed text', { ...signed(NOTIFICATION), Message: '{"hello":"moon"}' }, 'its signature is wrong'],
    [
      'an added subject',
      { ...signed({ ...NOTIFICATION, Subject: undefined }), Subject: 'x' },
      'its signature is wrong',
    ],
    ['the other version', { ...signed(NOTIFICATION, '1'), SignatureVersion: '2' }, 'its signature is wrong'],
    ['a version to come', { ...signed(NOTIFICATION), SignatureVersion: '3' }, 'its signature is wrong'],
    ['no signature', NOTIFICATION, 'its signature is wrong'],
    ['another key', signed(NOTIFICATION, '2', makeCertificate(YEAR).privateKey), 'its signature is wrong'],
    [
      'raw delivery',
      '{"AlarmName":"x","NewStateValue":"ALARM"}',
      'it is not a message of SNS (raw delivery is not signed)',
    ],
  ])('with %s is refused', async (_, message, because) => {
    expect((await post(message)).told).toBe(`forged: ${because}`);
  });

  it.each([
    ['an hour and a minute ago', '2026-11-20T09:34:00.000Z'],
    ['an hour and a minute ahead', '2026-11-20T11:36:00.000Z'],
  ])('signed %s is stale', async (_, Timestamp) => {
    expect((await post(signed({ ...NOTIFICATION, Timestamp }))).told).toMatch(/^stale: /);
  });

  it('of no topic is taken where the settings name none', async () => {
    expect((await post(signed(NOTIFICATION), {})).told).toBe('forged: its topic is not one of the settings');
  });

  it('signed with SHA-1 is refused where the settings say so', async () => {
    const settings = { topics: [TOPIC], acceptsSha1: false };
    expect((await post(signed(NOTIFICATION, '1'), settings)).told).toBe('forged: it is signed with SHA-1');
  });
});

describe('a subscription', () => {
  it('is confirmed at the URL that the message names', async () => {
    expect(await post(signed(CONFIRMATION))).toEqual({
      told: 'answered 200',
      fetched: [CERTIFICATE_URL, SUBSCRIBE_URL],
    });
  });

  it('of another topic is not confirmed', async () => {
    const message = signed({ ...CONFIRMATION, TopicArn: `${TOPIC}-of-others` });
    expect(await post(message)).toEqual({
      told: 'forged: its topic is not one of the settings',
      fetched: [],
    });
  });

  it('is not confirmed at a host of others', async () => {
    const message = signed({ ...CONFIRMATION, SubscribeURL: 'https://169.254.169.254/latest/meta-data' });
    expect(await post(message)).toEqual({ told: 'answered 400', fetched: [CERTIFICATE_URL] });
  });

  it('that ends is taken note of, and not made again', async () => {
    const message = signed({ ...CONFIRMATION, Type: 'UnsubscribeConfirmation' });
    expect(await post(message)).toEqual({
      told: 'SNS says UnsubscribeConfirmation',
      fetched: [CERTIFICATE_URL],
    });
  });
});

describe('a signing certificate', () => {
  it.each([
    ['that is not yet valid', makeCertificate({ ...YEAR, from: new Date('2026-12-01T00:00:00Z') }).pem],
    ['that has expired', makeCertificate({ ...YEAR, to: new Date('2026-11-01T00:00:00Z') }).pem],
    ['with a short key', makeCertificate(YEAR, 1024).pem],
    ['that is none', 'hello'],
  ])('%s is a fault that SNS may send again for', async (_, pem) => {
    await expect(post(signed(NOTIFICATION), undefined, pem)).rejects.toMatchObject({
      code: 'source.certificate',
      disposition: 'retry',
    });
  });

  it('is fetched once, and sixteen are kept', async () => {
    const fetched: string[] = [];
    const keyFor = certificateKeys(async (url) => {
      fetched.push(url);
      return certificate.pem;
    });
    const urls = Array.from({ length: 17 }, (_, at) => `https://sns.example/${at}.pem`);
    await keyFor('https://sns.example/0.pem', NOW);
    for (const url of urls) await keyFor(url, NOW);
    await keyFor('https://sns.example/16.pem', NOW);
    await keyFor('https://sns.example/0.pem', NOW);
    expect(fetched).toEqual([...urls, 'https://sns.example/0.pem']);
  });
});

describe('a URL', () => {
  it.each([
    [CERTIFICATE_URL, true],
    [CERTIFICATE_URL.replace('us-east-1.amazonaws.com', 'cn-north-1.amazonaws.com.cn'), true],
    [CERTIFICATE_URL.replace('https:', 'http:'), false],
    [CERTIFICATE_URL.replace('.com/', '.com.evil.example/'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.us-east-1.evil'), false],
    [CERTIFICATE_URL.replace('https://', 'https://sns.us-east-1.amazonaws.com@evil.example/'), false],
    [CERTIFICATE_URL.replace('.com/', '.com:8443/'), false],
    [CERTIFICATE_URL.replace('/Simple', '/x/../other/Simple'), false],
    [`${CERTIFICATE_URL}?x=1`, false],
    [
      'https://s3.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem',
      false,
    ],
    [CERTIFICATE_URL.replace('us-east-1', 'us-gov-west-1'), true],
    [CERTIFICATE_URL.replace('us-east-1', 'ap-southeast-3'), true],
    // A bucket of S3 that is called `sns` has these names.
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.s3'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.s3-us-west-2'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.s3.us-west-2'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.s3-website-us-east-1'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.s3-accelerate'), false],
    [CERTIFICATE_URL.replace('us-east-1', 'anything'), false],
    [CERTIFICATE_URL.replace('us-east-1.amazonaws.com', 'us-east-1.amazonaws.com.cn'), false],
    [CERTIFICATE_URL.replace('us-east-1', 'cn-north-1'), false],
    [CERTIFICATE_URL.replace('sns.us-east-1', 'sns.us-east-1.'), false],
    [CERTIFICATE_URL.replace('.com/', '.com./'), false],
    [CERTIFICATE_URL.replace('.com/', '.com:443/'), false],
    [CERTIFICATE_URL.replace('amazonaws', 'AMAZONAWS'), false],
    [CERTIFICATE_URL.replace('amazonaws', 'amazon\taws'), false],
    [CERTIFICATE_URL.replace('sns.', 'sns%2e'), false],
    [CERTIFICATE_URL.replace('https://', 'https:\\\\'), false],
    [CERTIFICATE_URL.replace('https://', ' https://'), false],
    [CERTIFICATE_URL.replace('https://', 'https://user@'), false],
    [CERTIFICATE_URL.replace('.pem', '.pem/x'), false],
    ['', false],
  ])('%s: a certificate of SNS, %s', (url, expected) => {
    expect(isCertificateUrl(url)).toBe(expected);
  });

  it.each([
    [SUBSCRIBE_URL, true],
    [SUBSCRIBE_URL.replace('sns.us-east-1', 'sns.s3'), false],
    [SUBSCRIBE_URL.replace('/?', '/x?'), false],
    [SUBSCRIBE_URL.replace('ConfirmSubscription', 'DeleteTopic'), false],
    [`${SUBSCRIBE_URL}&Action=DeleteTopic`, false],
    [SUBSCRIBE_URL.replace('https:', 'http:'), false],
    [`${SUBSCRIBE_URL}#x`, false],
  ])('%s: of a subscription, %s', (url, expected) => {
    expect(isSubscribeUrl(url)).toBe(expected);
  });
});

describe('what is fetched', () => {
  const server = createServer((request, response) => {
    if (request.url === '/redirect') response.writeHead(302, { location: '/certificate' }).end();
    else if (request.url === '/large') response.end('x'.repeat(65 * 1024));
    else if (request.url === '/certificate') response.end(certificate.pem);
    else response.writeHead(404).end();
  });
  let origin = '';

  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
    const address = server.address();
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  it('is its text', async () => {
    expect(await fetchFromSns(`${origin}/certificate`)).toBe(certificate.pem);
  });

  it.each(['/redirect', '/large', '/missing'])('is a fault to try again where it is %s', async (path) => {
    await expect(fetchFromSns(origin + path)).rejects.toMatchObject({
      code: 'source.unreachable',
      disposition: 'retry',
    });
  });
});
