/**
 * A vendor adds fields, sends null, leaves out, and sends a number for a text, as it likes. Each sample of events/ is
 * changed in these ways, one place at a time: the event still comes, or the refusal names the field.
 */
import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { type Normalisation, requestOfMessage } from '../../../lib/sources/source.ts';
import { SAMPLE_CASES } from '../../fixtures/sample-cases.ts';
import { NOW, type Sample, samplesOf, signerOf, sourceUnderTest } from '../../fixtures/signed-requests.ts';

const SAMPLES = [...SOURCES.keys()]
  .flatMap((source) => samplesOf(source))
  .map((sample) => [sample.file, sample] as const);

type Outcome = Normalisation['kind'] | { code: string; problems: unknown };

function outcomeOf({ source }: Sample, value: unknown): Outcome {
  const { secrets, settings } = signerOf(source);
  try {
    const message = requestOfMessage(JSON.stringify(value));
    return sourceUnderTest(source).receiveMessage(message, { secrets, now: NOW, settings }).kind;
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    return { code: thrown.code, problems: thrown.details['problems'] };
  }
}

interface Place {
  path: readonly string[];
  value: unknown;
}

/** Every field and item of a value, the outer ones first. */
function placesOf(value: unknown, path: readonly string[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const here = [...path, key];
    return [{ path: here, value: item }, ...placesOf(item, here)];
  });
}

/** @param by undefined leaves the field out */
function changed(value: unknown, path: readonly string[], by: unknown): unknown {
  const copy: unknown = structuredClone(value);
  let at = copy;
  for (const key of path.slice(0, -1)) at = Object(at)[key];
  Object(at)[path.at(-1) ?? ''] = by;
  return copy;
}

describe('null or missing, anything but what its row says', () => {
  it.each(SAMPLES)('in %s', (file, sample) => {
    const needs = placesOf(sample.value).flatMap(({ path }) => {
      const isNeeded = [null, undefined].some(
        (hole) => typeof outcomeOf(sample, changed(sample.value, path, hole)) !== 'string',
      );
      return isNeeded ? [path.join('.')] : [];
    });
    expect(
      needs,
      `${file} is refused without these. Where \`normalise\` can do without one, make it .nullish() or lenientText; where it cannot, write it down in test/fixtures/sample-cases.ts`,
    ).toEqual(SAMPLE_CASES[file]?.needs ?? []);
  });
});

it.each(SAMPLES)('fields that no documentation has, in every object of %s', (_, sample) => {
  const objects = [{ path: [], value: sample.value }, ...placesOf(sample.value)].filter(
    ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
  );
  const refused = objects.flatMap(({ path }) => {
    const outcome = outcomeOf(sample, changed(sample.value, [...path, 'addedLater'], { deep: [null] }));
    return outcome === 'events' ? [] : [[path.join('.'), outcome]];
  });
  expect(refused).toEqual([]);
});

/** Fields whose every other value than the vendor's own is refused, so that nothing is read into it. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'alertmanager.json': ['status', 'alerts.0.status'],
  'alertmanager.resolved.json': ['status', 'alerts.0.status'],
  'grafana.json': ['status', 'alerts.0.status'],
  'grafana.resolved.json': ['status', 'alerts.0.status'],
  // Signed, and signed as a text.
  'sns.json': ['Subject'],
  'sns.resolved.json': ['Subject'],
};

describe('a number for a text, and a text for a number', () => {
  const retyped = (sample: Sample) =>
    placesOf(sample.value)
      .filter(({ value }) => typeof value !== 'object')
      .map(({ path, value }) => ({
        path: path.join('.'),
        without: outcomeOf(sample, changed(sample.value, path, null)),
        outcome: outcomeOf(
          sample,
          changed(sample.value, path, typeof value === 'string' ? 7 : String(value)),
        ),
      }));

  it.each(SAMPLES)('in %s is taken, or refused by the name of its field', (_, sample) => {
    const unclear = retyped(sample).filter(
      ({ path, outcome }) =>
        typeof outcome !== 'string' &&
        !(
          outcome.code === 'body.invalid' &&
          [outcome.problems].flat().some((it) => String(it).startsWith(`${path}: `))
        ),
    );
    expect(unclear).toEqual([]);
  });

  const ALERTS = SAMPLES.filter(([file]) => SAMPLE_CASES[file]?.says.startsWith('alert.'));

  it.each(ALERTS)('costs no alert, where %s can do without the field', (file, sample) => {
    const lost = retyped(sample).filter(
      ({ path, without, outcome }) =>
        without === 'events' && outcome !== 'events' && !CLOSED[file]?.includes(path),
    );
    expect(lost).toEqual([]);
  });
});
