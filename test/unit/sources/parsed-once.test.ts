/** A body, and what is inside of it, is decoded once: also where the proof is in it, and where nobody knows its source. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import {
  encodeSample,
  NOW,
  samplesOf,
  signedSample,
  signerOf,
  sourceUnderTest,
} from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

afterEach(() => vi.restoreAllMocks());

/** Every text that is decoded from bytes meanwhile. */
async function decodedBy(act: () => unknown): Promise<readonly string[]> {
  const decode = vi.spyOn(TextDecoder.prototype, 'decode');
  await act();
  return decode.mock.results.map(({ value }) => String(value));
}

const SAMPLES = [...SOURCES.keys()].flatMap((name) => samplesOf(name));

it.each(SAMPLES.map((sample) => [sample.file, sample] as const))('%s over HTTP', async (_, sample) => {
  const { secrets, settings } = signerOf(sample.source);
  const request = signedSample(sample);
  const texts = await decodedBy(async () => {
    const context = { secrets: [secrets[0]], now: NOW, settings };
    const received = await sourceUnderTest(sample.source).receive(request, context);
    expect(received.kind).toBe('understood');
  });
  expect(texts).toEqual([...new Set(texts)]);
  expect(texts).not.toEqual([]);
});

describe('where the token is in the body', () => {
  it('a post of Mattermost without a header', async () => {
    const [, sample] = samplesOf('mattermost');
    if (sample === undefined) throw new Error('no sample');
    const { secrets, settings } = signerOf('mattermost');
    const { headers, ...request } = signedSample({
      ...sample,
      value: Object.assign({}, sample.value, { token: secrets[0] }),
    });
    const texts = await decodedBy(async () => {
      const received = await sourceUnderTest('mattermost').receive(
        { ...request, headers: { 'content-type': headers['content-type'] } },
        { secrets: [secrets[0]], now: NOW, settings },
      );
      expect(received.kind).toBe('understood');
    });
    expect(texts).toHaveLength(1);
  });
});

it('a message of the events queue, though every source is asked whether it is its own', async () => {
  const [sample] = samplesOf('alertmanager');
  if (sample === undefined) throw new Error('no sample');
  const { body } = encodeSample(sample);
  const texts = await decodedBy(() => {
    const message = requestOfMessage(body.toString());
    const own = [...SOURCES.values()].filter((source) => source.recognises?.(message.json()));
    expect(own.map(({ name }) => name)).toEqual(['alertmanager']);
    const context = { secrets: [''], now: NOW, settings: settingsOf('alertmanager') };
    expect(own[0]?.receiveMessage(message, context).kind).toBe('events');
  });
  expect(texts).toEqual([body.toString()]);
});
