/** The HTTP door as API Gateway meets it: who is let in, and what everybody else is told. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { FleetReflexError } from '../../lib/errors.ts';
import type { RawRequest } from '../../lib/http/request.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { MAX_BODY_BYTES } from '../../lib/sources/webhook.ts';
import { forgeriesOf, proofOf } from '../fixtures/forgery.ts';
import { aLambdaContext, anHttpEvent, eventOf } from '../fixtures/http-events.ts';
import {
  encodeSample,
  NOW,
  type Sample,
  samplesOf,
  signedRequest,
  signedSample,
  signerOf,
  sourceUnderTest,
} from '../fixtures/signed-requests.ts';
import { aDoor, ProblemBody } from '../fixtures/webhook-door.ts';

type Answer = Awaited<ReturnType<ReturnType<typeof aDoor>['receive']>>;

const ALL = [...SOURCES.keys()];
const SAMPLES = ALL.flatMap((source) => samplesOf(source)).map((sample) => [sample.file, sample] as const);

/** For any JSON whatever, as long as it is signed. */
const TAKES_ANYTHING: ReadonlySet<string> = new Set(['generic', 'standard-webhooks']);

/** The problem that an answer is; fails for an answer that is none. */
function problemIn(answer: Answer) {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = ProblemBody.parse(JSON.parse(answer.body));
  expect(problem.status).toBe(answer.statusCode);
  return { status: problem.status, type: problem.type.replace('urn:fleet-reflex:problem:', '') };
}

function firstSampleOf(source: string): Sample {
  const [sample] = samplesOf(source);
  if (sample === undefined) throw new Error(`${source} has no sample in events/`);
  return sample;
}

/** Where it applies, and no skipped case elsewhere. */
function itWhere(applies: boolean, name: string, run: () => Promise<void>): void {
  if (applies) it(name, run);
}

describe.each(SAMPLES)('%s', (_, sample) => {
  const { source } = sample;
  const { windowMs, secrets, proof } = signerOf(source);
  /** A source that answers in its own words answers 200, every other 202. */
  const taken = sourceUnderTest(source).answer === undefined ? 202 : 200;

  it('is taken when it proves itself, as text and as base64, and gives the same runs', async () => {
    const [asText, asBase64] = [aDoor(), aDoor()];
    const request = signedSample(sample);
    const answers = [
      await asText.receive(eventOf(source, request, { isBase64Encoded: false })),
      await asBase64.receive(eventOf(source, request, { isBase64Encoded: true })),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([taken, taken]);
    expect(asBase64.sent).toEqual(asText.sent);
    expect(answers[1]).toEqual(answers[0]);
  });

  it.each(forgeriesOf(sample))('is refused with a wrong bit in %s', async (_name, request) => {
    const door = aDoor();
    expect(problemIn(await door.receive(eventOf(source, request)))).toEqual({
      status: 401,
      type: 'request.forged',
    });
    expect(door.sent).toEqual([]);
  });

  itWhere(windowMs !== undefined, 'is refused, and told why, when it is too old or too new', async () => {
    const door = aDoor();
    const problemAt = async (offsetMs: number) => {
      const request = signedSample(sample, { at: new Date(NOW.getTime() + offsetMs) });
      return problemIn(await door.receive(eventOf(source, request)));
    };
    const beyond = (windowMs ?? 0) + 1000;
    const expected = { status: 401, type: 'request.stale' };
    expect([await problemAt(-beyond), await problemAt(beyond)]).toEqual([expected, expected]);
    expect(door.sent).toEqual([]);
  });

  itWhere(proof !== 'body', 'is taken with either of two live secrets', async () => {
    const door = aDoor({ secrets: async () => [secrets[1], secrets[0]] });
    const statuses = [];
    for (const secret of secrets)
      statuses.push((await door.receive(eventOf(source, signedSample(sample, { secret })))).statusCode);
    expect(statuses).toEqual([taken, taken]);
  });

  it('is told and logged without its secret, its proof or its body', async () => {
    const door = aDoor();
    const canary = 'hunter2-in-the-body';
    const value = { ...Object(sample.value), zzz: canary };
    const signed = signedSample({ ...sample, value });
    const { body, contentType } = encodeSample(sample);
    const broken = signedRequest(source, {
      body: body.subarray(0, -1),
      contentType,
      variant: sample.variant,
    });
    const requests: RawRequest[] = [
      signed,
      broken,
      ...forgeriesOf({ ...sample, value }).map(([, forged]) => forged),
      signedSample({ ...sample, value }, { at: new Date(NOW.getTime() - 3_600_000) }),
    ];
    for (const request of requests) {
      const answer = await door.receive(eventOf(source, request));
      const said = JSON.stringify([answer, door.lines]);
      const proofs = [signed, request].flatMap((it) => proofOf(source, it) ?? []);
      for (const hidden of [canary, body.toString(), request.body.toString(), ...secrets, ...proofs]) {
        expect(said).not.toContain(hidden);
      }
    }
  });
});

describe.each(ALL)('%s', (source) => {
  const { methods, contentTypes, hasNoSecret } = sourceUnderTest(source);
  const { readsMalformed } = signerOf(source);

  it('answers 405 to another method, and names its own', async () => {
    const answer = await aDoor().receive(
      eventOf(source, signedSample(firstSampleOf(source)), { method: 'DELETE' }),
    );
    expect(problemIn(answer)).toEqual({ status: 405, type: 'method.notAllowed' });
    expect(answer.headers['allow']).toBe(methods.join(', '));
  });

  itWhere(contentTypes.length > 0, 'answers 415 to another media type', async () => {
    const request = signedSample(firstSampleOf(source));
    const typed = (type: string | undefined) =>
      eventOf(source, { ...request, headers: { ...request.headers, 'content-type': type } });
    const door = aDoor();
    for (const type of ['application/xml', undefined]) {
      const answer = await door.receive(typed(type));
      expect(problemIn(answer)).toEqual({ status: 415, type: 'body.mediaType' });
    }
    expect(door.sent).toEqual([]);
  });

  itWhere(!hasNoSecret, 'is as unknown as any other name while it has no secret', async () => {
    const door = aDoor({ secrets: async () => [] });
    const without = await door.receive(eventOf(source, signedSample(firstSampleOf(source))));
    const unknown = await door.receive(anHttpEvent({ source: 'nobody', body: '{}' }));
    expect(problemIn(without)).toEqual({ status: 404, type: 'source.unknown' });
    expect(without).toEqual(unknown);
  });

  const signedJson = (body: string) => {
    const type = contentTypes.find((it) => it.endsWith('json')) ?? signerOf(source).contentType;
    return eventOf(source, signedRequest(source, { body: Buffer.from(body), contentType: type }));
  };
  // Where what is signed is inside the body, one that cannot be read has no signature that could be right.
  const notRead = readsMalformed === false ? { status: 401, type: 'request.forged' } : undefined;

  it('answers 400 to a signed body that is broken', async () => {
    const answer = await aDoor().receive(signedJson('{"event": {"id": "01BW'));
    expect(problemIn(answer)).toEqual(notRead ?? { status: 400, type: 'body.json' });
  });

  itWhere(!TAKES_ANYTHING.has(source), 'answers 400 to a signed body that is not its own', async () => {
    const answer = await aDoor().receive(signedJson('["hunter2"]'));
    expect(problemIn(answer)).toEqual(notRead ?? { status: 400, type: 'body.invalid' });
  });
});

describe('a path that is no source', () => {
  it.each(['nobody', '', '__proto__', 'constructor', 'GENERIC', 'generic/', '..'])('"%s"', async (source) => {
    const answer = await aDoor().receive(anHttpEvent({ source, body: '{}' }));
    expect(problemIn(answer)).toEqual({ status: 404, type: 'source.unknown' });
  });
});

describe('a body', () => {
  const padded = (bytes: number) => Buffer.from(`{"text":"${'a'.repeat(bytes - '{"text":""}'.length)}"}`);

  it.each([
    ['of a MiB', MAX_BODY_BYTES, false, 202],
    ['of a MiB, in base64', MAX_BODY_BYTES, true, 202],
    ['of a byte more', MAX_BODY_BYTES + 1, false, 413],
    ['of a byte more, in base64', MAX_BODY_BYTES + 1, true, 413],
    ['of 2 MB', 2_000_000, false, 413],
    ['of 2 MB, in base64', 2_000_000, true, 413],
  ])('%s', async (_, bytes, isBase64Encoded, status) => {
    const door = aDoor();
    const request = signedRequest('generic', { body: padded(bytes) });
    const answer = await door.receive(eventOf('generic', request, { isBase64Encoded }));
    expect(answer.statusCode).toBe(status);
    if (status === 413) expect(problemIn(answer)).toEqual({ status: 413, type: 'body.tooLarge' });
    expect(door.sent).toHaveLength(status === 202 ? 1 : 0);
  });

  it('that is too large is refused to everybody alike', async () => {
    const answer = await aDoor().receive(anHttpEvent({ source: 'nobody', body: padded(MAX_BODY_BYTES + 1) }));
    expect(problemIn(answer)).toEqual({ status: 413, type: 'body.tooLarge' });
  });
});

describe('a fault of ours', () => {
  const request = signedSample(firstSampleOf('alertmanager'));

  it.each([
    [
      'a secret that cannot be read',
      new FleetReflexError(
        'secret.unreadable',
        'The secret ssm:/prod/x: role arn:aws:iam::1:role/y may not',
        {
          disposition: 'retry',
        },
      ),
      { status: 503, type: 'secret.unreadable' },
    ],
    ['anything else', new TypeError('hunter2 is not a function'), { status: 500, type: 'internal' }],
  ])('%s is in the log and not in the answer', async (_, thrown, expected) => {
    const door = aDoor({ secrets: () => Promise.reject(thrown) });
    const answer = await door.receive(eventOf('alertmanager', request));
    expect(problemIn(answer)).toEqual(expected);
    expect(answer.body).not.toMatch(/ssm|arn|hunter2/);
    expect(door.lines).toEqual([
      {
        level: 'error',
        event: 'request.failed',
        facts: {
          status: expected.status,
          code: expected.type,
          error: thrown.message,
          stack: thrown.stack,
        },
        ids: { requestId: 'request-1', gatewayRequestId: 'gateway-request-1', source: 'alertmanager' },
      },
    ]);
  });

  it('is said with the id under which the log has it', async () => {
    const answer = await aDoor().receive(anHttpEvent({ source: 'nobody' }));
    expect(JSON.parse(answer.body)).toMatchObject({ instance: 'urn:request:request-1' });
  });
});

describe('a body that serverless-offline has read before', () => {
  it.each([0, false, null, undefined, { a: 1 }])('%o is no fault of ours', async (body) => {
    const door = aDoor();
    const event = {
      ...anHttpEvent({ source: 'generic', headers: { 'content-type': 'application/json' } }),
      body,
    };
    const { statusCode } = z
      .object({ statusCode: z.int() })
      .parse(await door.handler(event, aLambdaContext()));
    expect(statusCode).toBe(401);
  });
});
