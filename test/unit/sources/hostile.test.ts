/** Whatever JSON a sender that has proved itself sends: it is understood, or refused in our own words. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { NOW, samplesOf, signerOf } from '../../fixtures/signed-requests.ts';

/** Undefined when all is well, else what went wrong. */
function fault(source: string, value: unknown): unknown {
  const { secrets, settings } = signerOf(source);
  try {
    const made = SOURCES.get(source)?.receiveMessage(requestOfMessage(JSON.stringify(value)), {
      secrets,
      now: NOW,
      settings,
    });
    if (made?.kind !== 'events') return undefined;
    return made.events
      .map((event) => TriggerEvent.safeParse(event).error)
      .find((error) => error !== undefined);
  } catch (thrown) {
    return thrown instanceof FleetReflexError && thrown.code.startsWith('body.') ? undefined : thrown;
  }
}

/** Every path to a leaf or a branch of a sample. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, at) => (String(at) === key ? replaced(item, rest, by) : item));
  const fields = Object.entries(Object(value));
  return Object.fromEntries(
    fields.map(([name, item]) => [name, name === key ? replaced(item, rest, by) : item]),
  );
}

const json = fc.jsonValue({ maxDepth: 3 });

describe.each([...SOURCES.keys()])('%s', (source) => {
  it('takes or refuses any JSON', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(fault(source, value)).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });

  it.each(samplesOf(source).map(({ file, value }) => [file, value] as const))(
    'takes or refuses %s with anything in the place of a part of it',
    (_, sample) => {
      fc.assert(
        fc.property(fc.constantFrom(...pathsOf(sample)), json, (path, by) => {
          expect(fault(source, replaced(sample, path, by))).toBeUndefined();
        }),
        { numRuns: 300 },
      );
    },
  );
});
