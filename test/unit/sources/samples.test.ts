/**
 * The samples of events/, against their table of cases: what each says is written down, and what two of them say of one
 * thing is two events. An id that two states share would make the second a repetition of the first: no run, no cancel.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { SAMPLE_CASES } from '../../fixtures/sample-cases.ts';
import { NOW, samplesOf, signedSample, signerOf, sourceUnderTest } from '../../fixtures/signed-requests.ts';

const ALL = await Promise.all(
  [...SOURCES.keys()].flatMap((source) =>
    samplesOf(source).map(async (sample) => {
      const { secrets, settings } = signerOf(source);
      const context = { secrets: [secrets[0]], now: NOW, settings };
      const received = await sourceUnderTest(source).receive(signedSample(sample), context);
      const made = received.kind === 'understood' ? received.normalisation : undefined;
      return { ...sample, events: made?.kind === 'events' ? made.events : [] };
    }),
  ),
);

describe('every sample has its row in test/fixtures/sample-cases.ts', () => {
  it.each(ALL.map((sample) => [sample.file, sample] as const))('%s', (file, { events }) => {
    const says = events.map(({ type }) => type).join(' ');
    expect({ file, says: SAMPLE_CASES[file]?.says ?? 'no row' }).toEqual({ file, says });
  });

  it('no row is without its sample', () => {
    const files = ALL.map(({ file }) => file);
    expect(Object.keys(SAMPLE_CASES).filter((file) => !files.includes(file))).toEqual([]);
  });

  it('no file of events/ is of no source', () => {
    const files = readdirSync(new URL('../../../events/', import.meta.url));
    // What is told of a cloud is no trigger: the source of our own events ignores it.
    const known = [...ALL.map(({ file }) => file), 'provider.available.json', 'provider.unavailable.json'];
    expect(files.filter((file) => file.endsWith('.json') && !known.includes(file))).toEqual([]);
  });
});

/** What an event says of its thing, and a rule may answer. */
function stateOf({ type, data }: TriggerEvent): string {
  const state = 'status' in data ? data.status : undefined;
  const action = 'action' in data ? data.action : undefined;
  return [type, action, state].filter((it) => it !== undefined).join(' ');
}

describe('samples that say different things have different ids', () => {
  it.each([...SOURCES.keys()])('of %s', (source) => {
    const events = ALL.filter((sample) => sample.source === source).flatMap(({ events: of }) => of);
    const statesOfIds = [...Map.groupBy(events, ({ id }) => id)].map(
      ([id, of]) => [id, [...new Set(of.map(stateOf))]] as const,
    );
    expect(statesOfIds.filter(([, states]) => states.length > 1)).toEqual([]);
  });
});

/** Nothing else shows that the end of an alert has an id of its own, and the fingerprint of its beginning. */
describe('one alert, firing and resolved, is in the samples', () => {
  const alerting = [...SOURCES.values()].filter(({ kinds }) => kinds.includes('alert'));

  it.each(alerting.map(({ name }) => name))('of %s', (source) => {
    const alerts = ALL.filter((sample) => sample.source === source)
      .flatMap(({ events }) => events)
      .filter((event) => event.kind === 'alert');
    const whole = [...Map.groupBy(alerts, ({ data }) => data.fingerprint).values()].filter((of) =>
      ['firing', 'resolved'].every((state) => of.some(({ data }) => data.status === state)),
    );
    expect(
      whole.length,
      `add events/${source}.resolved.json: the end of the alert that events/${source}.json begins`,
    ).toBeGreaterThan(0);
  });
});
