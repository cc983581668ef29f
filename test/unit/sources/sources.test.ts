/** What every source has to do, whoever its sender is: one table, each source of the registry, each sample. */

import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { RawRequest } from '../../../lib/http/request.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { SOURCES, sourceNamed } from '../../../lib/sources/registry.ts';
import type { Received, SourceContext } from '../../../lib/sources/source.ts';
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

const HOUR_MS = 3_600_000;

function contextOf(source: string, given: Partial<SourceContext> = {}): SourceContext {
  const { secrets, settings } = signerOf(source);
  return { secrets: [secrets[0]], now: NOW, settings, ...given };
}

function receive(source: string, request: RawRequest, given: Partial<SourceContext> = {}): Promise<Received> {
  return sourceUnderTest(source).receive(request, contextOf(source, given));
}

/** `forged` or `stale` for a refused request, `accepted` for any other. */
async function verdict(
  source: string,
  request: RawRequest,
  given: Partial<SourceContext> = {},
): Promise<string> {
  try {
    const received = await receive(source, request, given);
    return received.kind === 'refused' ? received.verification.reason : 'accepted';
  } catch (thrown) {
    return thrown instanceof FleetReflexError ? `accepted, then ${thrown.code}` : `threw ${String(thrown)}`;
  }
}

function idsOf(received: Received): string[] {
  if (received.kind !== 'understood' || received.normalisation.kind !== 'events') return [];
  return received.normalisation.events.map((event) => event.id);
}

function firstSampleOf(source: string): Sample {
  const [sample] = samplesOf(source);
  if (sample === undefined) throw new Error(`${source} has no sample in events/`);
  return sample;
}

function flipBit(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'latin1');
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('latin1');
}

function withHeader(request: RawRequest, header: string, value: string): RawRequest {
  return { ...request, headers: { ...request.headers, [header]: value } };
}

/** The same request with one bit of its proof flipped, for each bit of the secret or the signature. */
function* withFlippedProof(source: string, request: RawRequest): Generator<RawRequest> {
  const { proof } = signerOf(source);
  if (proof === 'body') {
    const { Signature: signature, ...message } = JSON.parse(request.body.toString());
    for (let bit = 0; bit < String(signature).length * 8; bit += 1) {
      yield {
        ...request,
        body: Buffer.from(JSON.stringify({ ...message, Signature: flipBit(signature, bit) })),
      };
    }
    return;
  }
  const [, parameter] = /^query:(.*)$/.exec(proof) ?? [];
  if (parameter !== undefined) {
    const value = request.query.get(parameter) ?? '';
    for (let bit = 0; bit < value.length * 8; bit += 1) {
      const query = new URLSearchParams(request.query);
      query.set(parameter, flipBit(value, bit));
      yield { ...request, query };
    }
    return;
  }
  const value = proof === 'path' ? request.path : (request.headers[proof] ?? '');
  // A scheme's name may be written in any case (RFC 9110): what is flipped is the credential.
  const from = /^Bearer /.exec(value)?.[0].length ?? 0;
  for (let bit = from * 8; bit < value.length * 8; bit += 1) {
    const flipped = flipBit(value, bit);
    yield proof === 'path' ? { ...request, path: flipped } : withHeader(request, proof, flipped);
  }
}

const ALL = [...SOURCES.keys()];

/** A case for the sources that it applies to, and no skipped one for the others. */
function itWhere(applies: boolean, name: string, run: () => Promise<void>): void {
  if (applies) it(name, run);
}

describe('the registry', () => {
  it.each(ALL)('%s is found by its name and answers to it', (name) => {
    expect(sourceNamed(name)?.name).toBe(name);
  });

  it('knows no other', () => {
    expect(sourceNamed('constructor')).toBeUndefined();
  });
});

describe.each(ALL)('%s', (source) => {
  const samples = samplesOf(source);
  const { proof, isBodySigned, timestampHeader, windowMs } = signerOf(source);
  /** The secret is in the request, or a signature made with it; SNS alone has none. */
  const hasSecret = proof !== 'body';

  it('has a sample', () => {
    expect(samples.length).toBeGreaterThan(0);
  });

  it.each(samples.map((sample) => [sample.file, sample] as const))(
    'makes valid events of %s',
    async (_, sample) => {
      const received = await receive(source, signedSample(sample));
      expect(received).toMatchObject({ kind: 'understood', normalisation: { kind: 'events' } });
      if (received.kind !== 'understood' || received.normalisation.kind !== 'events') return;
      for (const event of received.normalisation.events) {
        expect(TriggerEvent.parse(event)).toEqual(event);
        expect(event.source).toBe(source);
        expect(event.type.startsWith(`${event.kind}.`)).toBe(true);
        expect(sourceUnderTest(source).kinds).toContain(event.kind);
      }
    },
  );

  it.each(samples.map((sample) => [sample.file, sample] as const))(
    'understands %s on the events queue as it does over HTTP',
    async (_, sample) => {
      const message = sourceUnderTest(source).receiveMessage(
        requestOfMessage(JSON.stringify(sample.value)),
        contextOf(source),
      );
      const received = await receive(source, signedSample(sample));
      const http = received.kind === 'understood' ? received.normalisation : undefined;
      const essence = (it: typeof http) =>
        it?.kind === 'events' ? it.events.map(({ kind, type, subject }) => ({ kind, type, subject })) : it;
      expect(essence(message)).toEqual(essence(http));
    },
  );

  it('gives the same ids when the same thing is delivered again later', async () => {
    const sample = firstSampleOf(source);
    const later = new Date(NOW.getTime() + 90_000);
    const first = await receive(source, signedSample(sample));
    const again = await receive(source, signedSample(sample, { at: later }), { now: later });
    expect(idsOf(again)).toEqual(idsOf(first));
  });

  itWhere(hasSecret, 'refuses a proof made with another secret', async () => {
    const request = signedSample(firstSampleOf(source), { secret: signerOf(source).secrets[1] });
    expect(await verdict(source, request)).toBe('forged');
  });

  it('refuses a request without any proof', async () => {
    const { body, contentType } = encodeSample(firstSampleOf(source));
    const request = {
      method: 'POST',
      path: '',
      query: new URLSearchParams(),
      headers: { 'content-type': contentType },
      body,
    };
    expect(await verdict(source, request)).toBe('forged');
  });

  itWhere(hasSecret, 'refuses an empty proof even where an empty secret is configured', async () => {
    const request = signedSample(firstSampleOf(source), { secret: '' });
    expect(await verdict(source, request, { secrets: [''] })).toBe('forged');
  });

  it('refuses a proof with any one bit flipped', async () => {
    const request = signedSample(firstSampleOf(source));
    const verdicts = new Set<string>();
    for (const flipped of withFlippedProof(source, request)) verdicts.add(await verdict(source, flipped));
    expect([...verdicts]).toEqual(['forged']);
  });

  itWhere(timestampHeader !== undefined, 'refuses a signed time with any one bit flipped', async () => {
    const header = timestampHeader ?? '';
    const request = signedSample(firstSampleOf(source));
    const value = request.headers[header] ?? '';
    const verdicts = new Set<string>();
    for (let bit = 0; bit < value.length * 8; bit += 1) {
      verdicts.add(await verdict(source, withHeader(request, header, flipBit(value, bit))));
    }
    expect([...verdicts]).toEqual(['forged']);
  });

  itWhere(isBodySigned && hasSecret, 'refuses a signed body with one bit flipped', async () => {
    const request = signedSample(firstSampleOf(source));
    const verdicts = new Set<string>();
    for (let at = 0; at < 200; at += 1) {
      const body = Buffer.from(request.body);
      const byte = Math.floor((at * (body.length - 1)) / 199);
      body[byte] = (body[byte] ?? 0) ^ (1 << (at & 7));
      verdicts.add(await verdict(source, { ...request, body }));
    }
    expect([...verdicts]).toEqual(['forged']);
  });

  itWhere(
    windowMs !== undefined,
    'refuses a request that was signed too long ago or too far ahead',
    async () => {
      const window = windowMs ?? 0;
      const sample = firstSampleOf(source);
      const at = (offset: number) =>
        verdict(source, signedSample(sample, { at: new Date(NOW.getTime() + offset) }));
      expect({
        old: await at(-window - 1000),
        oldest: await at(-window),
        newest: await at(window),
        ahead: await at(window + 1000),
        days: await at(-48 * HOUR_MS),
      }).toEqual({ old: 'stale', oldest: 'accepted', newest: 'accepted', ahead: 'stale', days: 'stale' });
    },
  );

  itWhere(hasSecret, 'takes either of two live secrets, and no longer the one that was dropped', async () => {
    const { secrets } = signerOf(source);
    const sample = firstSampleOf(source);
    const [old, next] = secrets.map((secret) => signedSample(sample, { secret }));
    if (old === undefined || next === undefined) throw new Error('two secrets');
    const rotating = { secrets: [secrets[1], secrets[0]] };
    expect({
      old: await verdict(source, old, rotating),
      next: await verdict(source, next, rotating),
      dropped: await verdict(source, old, { secrets: [secrets[1]] }),
    }).toEqual({ old: 'accepted', next: 'accepted', dropped: 'forged' });
  });

  const json = (body: Buffer | string) => ({ body: Buffer.from(body), contentType: jsonTypeOf(source) });
  const malformed = {
    'ends too early': [json('{"event": {"id": "01BWDWL3'), 'body.json'],
    'is empty': [json(''), 'body.json'],
    'is not UTF-8': [
      json(Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])),
      'body.encoding',
    ],
    'is nested too deep': [json(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`), 'body.depth'],
    'names a prototype': [json('{"__proto__": {"polluted": true}, "alerts": []}'), 'body.key'],
  } as const;

  it.each(Object.entries(malformed))('refuses a body that %s', async (_, [request, code]) => {
    const expected = signerOf(source).readsMalformed === false ? 'forged' : `accepted, then ${code}`;
    expect(await verdict(source, signedRequest(source, request))).toBe(expected);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('says what it expected of a payload that is not its own, and repeats none of it', async () => {
    const request = signedRequest(source, json('["hunter2"]'));
    const outcome = await receive(source, request).catch((thrown: unknown) => thrown);
    expect(outcome instanceof Error ? outcome.message : '').not.toContain('hunter2');
  });
});

function jsonTypeOf(source: string): string {
  const { contentType } = signerOf(source);
  return contentType === 'application/x-www-form-urlencoded' ? 'application/json' : contentType;
}

describe('messages of the events queue that do not name their source', () => {
  const recognising = ALL.filter((name) => sourceUnderTest(name).recognises !== undefined);

  it.each(recognising.flatMap((name) => samplesOf(name).map((sample) => [sample.file, sample] as const)))(
    '%s is recognised by its source alone',
    (_, sample) => {
      const claimed = recognising.filter((name) => sourceUnderTest(name).recognises?.(sample.value));
      expect(claimed).toEqual([sample.source]);
    },
  );

  it('recognises no source for unknown messages', () => {
    const claimed = recognising.filter((name) => sourceUnderTest(name).recognises?.({ hello: 'world' }));
    expect(claimed).toEqual([]);
  });
});
