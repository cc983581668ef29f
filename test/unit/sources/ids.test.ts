/**
 * What an event is, and which, is proved: nothing that a signature does not cover may change it. Else whoever has one
 * captured request sends it again under another id, or as another event.
 */

import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { RawRequest } from '../../../lib/http/request.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { generic } from '../../../lib/sources/generic.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import {
  encodeSample,
  NOW,
  type Sample,
  samplesOf,
  signedRequest,
  signedSample,
  signerOf,
  sourceUnderTest,
} from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const ALL_SAMPLES = [...SOURCES.keys()].flatMap((name) => samplesOf(name));

type Outcome = readonly Omit<TriggerEvent, 'deliveryid'>[] | 'refused' | 'no events';

async function outcomeOf(
  source: string,
  request: RawRequest,
  given: { secrets?: readonly string[]; settings?: unknown } = {},
): Promise<Outcome> {
  const { secrets, settings } = signerOf(source);
  try {
    const received = await sourceUnderTest(source).receive(request, {
      secrets: [secrets[0]],
      now: NOW,
      ...given,
      settings: given.settings === undefined ? settings : settingsOf(source, given.settings),
    });
    if (received.kind === 'refused') return 'refused';
    const { normalisation } = received;
    // The one field that says what an unsigned header says, to people.
    return normalisation.kind === 'events'
      ? normalisation.events.map(({ deliveryid: _, ...event }) => event)
      : 'no events';
  } catch (thrown) {
    if (thrown instanceof FleetReflexError) return 'refused';
    throw thrown;
  }
}

const idsOf = (outcome: Outcome) => (typeof outcome === 'string' ? outcome : outcome.map(({ id }) => id));

/** The names of the headers that a source looks for, there or not. */
async function headersRead(sample: Sample): Promise<string[]> {
  const names = new Set<string>();
  const request = signedSample(sample);
  const headers = new Proxy(request.headers, {
    get(target, name) {
      if (typeof name !== 'string') return undefined;
      names.add(name);
      return target[name];
    },
  });
  await outcomeOf(sample.source, { ...request, headers });
  return [...new Set([...names, ...Object.keys(request.headers)])];
}

/** What a header may be turned into: nothing, nonsense, another media type, and what it is in the other samples. */
function valuesFor(header: string, source: string): (string | undefined)[] {
  const elsewhere = samplesOf(source).map((sample) => signedSample(sample).headers[header]);
  return [
    ...new Set([
      ...elsewhere,
      undefined,
      '',
      'another-0001',
      'application/json',
      'application/x-www-form-urlencoded',
      'application/cloudevents-batch+json',
    ]),
  ];
}

describe('no header that is not signed changes what an event is, or which', () => {
  it.each(ALL_SAMPLES.map((sample) => [sample.file, sample] as const))('%s', async (_, sample) => {
    const { source } = sample;
    const request = signedSample(sample);
    const asSent = await outcomeOf(source, request);
    expect(Array.isArray(asSent)).toBe(true);
    const changed: string[] = [];
    for (const header of await headersRead(sample)) {
      for (const value of valuesFor(header, source)) {
        const outcome = await outcomeOf(source, {
          ...request,
          headers: { ...request.headers, [header]: value },
        });
        const isSame = typeof outcome === 'string' || JSON.stringify(outcome) === JSON.stringify(asSent);
        if (!isSame) changed.push(`${header}: ${value}`);
      }
    }
    expect(changed).toEqual([]);
  });
});

describe('no query that is not signed does', () => {
  it.each(ALL_SAMPLES.map((sample) => [sample.file, sample] as const))('%s', async (_, sample) => {
    const request = signedSample(sample);
    const asSent = await outcomeOf(sample.source, request);
    const names = [
      'id',
      'delivery',
      'type',
      'source',
      'token',
      'timestamp',
      'nonce',
      'access_token',
      'echostr',
    ];
    for (const name of names) {
      const query = new URLSearchParams(request.query);
      query.set(name, 'another-0001');
      const outcome = await outcomeOf(sample.source, { ...request, query });
      if (typeof outcome !== 'string') expect([name, outcome]).toEqual([name, asSent]);
    }
  });
});

/**
 * What each source's ids are made of, and what proves that. `signed`: by a signature over it. `token`: by nothing but
 * the secret that came with the request; who has captured one can write what they like, whatever the id is made of.
 */
const IDS: Readonly<
  Record<string, readonly [madeOf: 'body' | 'hash' | 'signed header', by: 'signed' | 'token']>
> = {
  alertmanager: ['body', 'token'],
  'alibaba-cloudmonitor': ['body', 'token'],
  argocd: ['body', 'token'],
  bitbucket: ['hash', 'signed'],
  'cloud-assistant': ['body', 'token'],
  cloudevents: ['body', 'token'],
  cloudwatch: ['body', 'token'],
  datadog: ['body', 'token'],
  dingtalk: ['body', 'token'],
  discord: ['body', 'signed'],
  dockerhub: ['body', 'token'],
  feishu: ['body', 'signed'],
  'fleet-reflex': ['body', 'token'],
  forgejo: ['hash', 'signed'],
  generic: ['hash', 'token'],
  gitea: ['hash', 'signed'],
  github: ['hash', 'signed'],
  gitlab: ['hash', 'token'],
  grafana: ['body', 'signed'],
  harbor: ['body', 'token'],
  mattermost: ['body', 'token'],
  opsgenie: ['body', 'token'],
  pagerduty: ['body', 'signed'],
  sentry: ['hash', 'signed'],
  slack: ['body', 'signed'],
  sns: ['body', 'signed'],
  'standard-webhooks': ['signed header', 'signed'],
  teams: ['body', 'signed'],
  'tencent-monitor': ['body', 'token'],
  'uptime-kuma': ['body', 'token'],
  wecom: ['body', 'signed'],
  zabbix: ['body', 'token'],
};

describe('the ids of', () => {
  it.each(Object.keys(IDS))(
    '%s are made of what its proof covers, as it is written down here',
    async (source) => {
      const [sample] = samplesOf(source);
      if (sample === undefined) throw new Error(`${source} has no sample`);
      const request = signedSample(sample);
      const ids = idsOf(await outcomeOf(source, request));
      const hash = `sha256-${createHash('sha256').update(request.body).digest('hex')}`;
      const isHash = Array.isArray(ids) && ids.every((id) => id.split('/')[0] === hash);
      const isHeader = Object.values(request.headers).some(
        (value) => value !== undefined && ids.includes(value),
      );
      const madeOf = isHash ? 'hash' : isHeader ? 'signed header' : 'body';
      expect([madeOf, signerOf(source).isBodySigned ? 'signed' : 'token']).toEqual(IDS[source]);
    },
  );

  it('every source are written down', () => {
    expect(
      [...SOURCES.keys()].filter((name) => samplesOf(name).length > 0 && IDS[name] === undefined),
    ).toEqual([]);
  });
});

describe('an unsigned delivery id', () => {
  it.each([
    ['github.push.json', 'x-github-delivery'],
    ['gitea.push.json', 'x-gitea-delivery'],
    ['forgejo.push.json', 'x-forgejo-delivery'],
    ['gitlab.push.json', 'idempotency-key'],
    ['bitbucket.push.json', 'x-request-uuid'],
    ['sentry.event_alert.json', 'request-id'],
  ])('is shown to people and is no part of the id: %s', async (file, header) => {
    const sample = ALL_SAMPLES.find((it) => it.file === file);
    if (sample === undefined) throw new Error(file);
    const { source } = sample;
    const { secrets, settings } = signerOf(source);
    const request = signedSample(sample);
    const received = await sourceUnderTest(source).receive(
      { ...request, headers: { ...request.headers, [header]: 'another-0001' } },
      { secrets: [secrets[0]], now: NOW, settings },
    );
    expect(received).toMatchObject({
      normalisation: { events: [{ id: expect.stringMatching(/^sha256-/), deliveryid: 'another-0001' }] },
    });
    const message = sourceUnderTest(source).receiveMessage(requestOfMessage(request.body.toString()), {
      secrets: [''],
      now: NOW,
      settings,
    });
    expect(message.kind === 'events' && message.events.map(({ id }) => id)).toEqual(
      idsOf(await outcomeOf(source, request)),
    );
  });

  it('is part of it where it is signed: GitLab’s signing token', async () => {
    const signing = signerOf('standard-webhooks');
    const body = encodeSample(ALL_SAMPLES.find(({ file }) => file === 'gitlab.push.json') ?? missing()).body;
    const request = signedRequest('standard-webhooks', { body });
    const given = { secrets: [signing.secrets[0]], settings: {} };
    expect(idsOf(await outcomeOf('gitlab', request, given))).toEqual([request.headers['webhook-id']]);
    for (const header of ['idempotency-key', 'x-gitlab-event-uuid']) {
      const again = { ...request, headers: { ...request.headers, [header]: 'another-0001' } };
      expect(idsOf(await outcomeOf('gitlab', again, given))).toEqual([request.headers['webhook-id']]);
    }
    const forged = { ...request, headers: { ...request.headers, 'webhook-id': 'another-0001' } };
    expect(await outcomeOf('gitlab', forged, given)).toBe('refused');
  });
});

function missing(): never {
  throw new Error('the sample is missing');
}

describe('a captured body is not taken for another event', () => {
  const relabelled = async (file: string, header: string, value: string) => {
    const sample = ALL_SAMPLES.find((it) => it.file === file) ?? missing();
    const request = signedSample(sample);
    return await outcomeOf(sample.source, { ...request, headers: { ...request.headers, [header]: value } });
  };

  it.each([
    // A status carries its deployment: as a new deployment it would deploy again.
    ['github.deployment_status.json', 'x-github-event', 'deployment'],
    ['github.deployment.json', 'x-github-event', 'workflow_run'],
    ['github.issue_comment.json', 'x-github-event', 'push'],
    ['gitea.push.json', 'x-gitea-event', 'release'],
    ['forgejo.push.json', 'x-forgejo-event', 'release'],
    ['bitbucket.commit_status.json', 'x-event-key', 'repo:push'],
    ['sentry.event_alert.json', 'sentry-hook-resource', 'metric_alert'],
  ])('%s, whose %s says %s', async (file, header, value) => {
    expect(await relabelled(file, header, value)).toBe('no events');
  });

  it.each([
    ['a form in a commit’s message', 'github', `payload=${encodeURIComponent('{"ref":"x","after":"y"}')}`],
    ['a form in what was said', 'slack', 'command=/fleet&text=run+patch&user_id=UADMIN'],
  ])('%s: of %s', async (_, source, hidden) => {
    const body = Buffer.from(JSON.stringify({ type: 'url_verification', challenge: `&${hidden}&` }));
    const request = signedRequest(source, { body, contentType: 'application/x-www-form-urlencoded' });
    expect(await outcomeOf(source, request)).toBe('no events');
  });

  it('nor a signed CloudEvent under other attributes: a binary one is refused', async () => {
    const signing = signerOf('standard-webhooks');
    const given = { secrets: [signing.secrets[0]], settings: {} };
    const structured = { specversion: '1.0', id: '1', source: '/a', type: 't', data: {} };
    const contentType = 'application/json';
    const request = signedRequest('standard-webhooks', {
      body: Buffer.from(JSON.stringify(structured)),
      contentType,
    });
    expect(idsOf(await outcomeOf('cloudevents', request, given))).toEqual(['/a 1']);
    const attributes = { 'ce-specversion': '1.0', 'ce-id': '2', 'ce-source': '/b', 'ce-type': 'u' };
    const binary = { ...request, headers: { ...request.headers, ...attributes } };
    expect(await outcomeOf('cloudevents', binary, given)).toBe('refused');
  });
});

describe('the generic source', () => {
  const body = Buffer.from('{"id":1}');
  const signature = (key: string) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
  const settings = { id: "headers['x-id']", type: "headers['x-type']" };
  const send = async (headers: Record<string, string>) =>
    await outcomeOf(
      'generic',
      {
        method: 'POST',
        path: '',
        query: new URLSearchParams(),
        headers: { 'content-type': 'application/json', 'x-id': 'r-1', 'x-type': 'renewed', ...headers },
        body,
      },
      { secrets: ['live'], settings },
    );

  it('takes no id and no type of a signed request from a header', async () => {
    const made = await send({ 'x-hub-signature-256': signature('live') });
    expect(typeof made === 'string' ? made : made.map(({ id, type }) => [id, type])).toEqual([
      [`sha256-${createHash('sha256').update(body).digest('hex')}`, 'generic.received'],
    ]);
  });

  it('may take them from one where a token proves the whole request', async () => {
    const made = await send({ authorization: 'Bearer live' });
    expect(typeof made === 'string' ? made : made.map(({ id, type }) => [id, type])).toEqual([
      ['r-1', 'generic.renewed'],
    ]);
  });

  it.each(['id', 'type'])('does not load with a signature and %s of a header', (name) => {
    const given = { signatureHeader: 'X-Acme-Signature', [name]: "headers['x-id']" };
    expect(generic.settings.safeParse(given).error?.issues).toMatchObject([
      { path: [name], message: expect.stringMatching(/no header is signed/) },
    ]);
    expect(generic.settings.safeParse({ ...given, [name]: 'body.headers.id' }).success).toBe(true);
  });
});
