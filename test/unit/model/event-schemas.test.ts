/** What events/ shows to others is what the code reads and writes: schemas and samples. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import * as z from 'zod';
import { CompletionEvent, CompletionEventType } from '../../../lib/model/completion-event.ts';
import { ProviderEvent, ProviderEventType } from '../../../lib/model/provider-event.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { generate as completionSamples } from '../../../scripts/generate/completion-samples.ts';
import { generate as configurationPage } from '../../../scripts/generate/configuration-page.ts';
import { generate as eventSchemas } from '../../../scripts/generate/event-schemas.ts';
import { NOW, samplesOf, signerOf } from '../../fixtures/signed-requests.ts';
import { DEFAULT_RULES } from '../../fixtures/webhook-door.ts';
import { matchRules } from '../rules/match-rules.ts';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

const GENERATED = [...(await eventSchemas()), ...(await completionSamples()), ...(await configurationPage())];

test.each(GENERATED.map(({ path, content }) => [path, content]))(
  '%s is what the code makes (npm run generate)',
  (path, content) => {
    expect(read(path)).toBe(content);
  },
);

/** The schema that the file says, as somebody else's program would use it. */
function published(name: string): z.ZodType {
  return z.fromJSONSchema(JSON.parse(read(`events/schemas/${name}.schema.json`)));
}

function* triggerEvents(): Generator<TriggerEvent> {
  for (const source of SOURCES.values()) {
    for (const { value } of samplesOf(source.name)) {
      const context = { secrets: [''], now: NOW, settings: signerOf(source.name).settings };
      const normalisation = source.receiveMessage(requestOfMessage(JSON.stringify(value)), context);
      if (normalisation.kind === 'events') yield* normalisation.events;
    }
  }
}

const without = (value: unknown, key: string): unknown =>
  Object.fromEntries(Object.entries(Object(value)).filter(([name]) => name !== key));

describe('an event of a provider', () => {
  const schema = published('provider-event');

  it.each(ProviderEventType.options)('%s has a sample, to the code and by its schema', (type) => {
    const event: unknown = JSON.parse(read(`events/${type.slice('fleet-reflex.'.length)}.json`));
    expect(ProviderEvent.parse(event)).toEqual(event);
    expect(event).toMatchObject({ type });
    expect(schema.safeParse(event).error).toBeUndefined();
    for (const wrong of [{ ...Object(event), extra: 1 }, without(event, 'subject'), without(event, 'data')]) {
      expect([ProviderEvent.safeParse(wrong).success, schema.safeParse(wrong).success]).toEqual([
        false,
        false,
      ]);
    }
  });
});

describe('a completion event', () => {
  const schema = published('completion-event');
  const files = readdirSync(new URL('events/', ROOT)).filter((file) => file.startsWith('fleet-reflex.'));

  it.each(files)('%s is one, to the code and by its schema', (file) => {
    const event: unknown = JSON.parse(read(`events/${file}`));
    expect(CompletionEvent.parse(event)).toEqual(event);
    expect(schema.safeParse(event).error).toBeUndefined();
    for (const wrong of [{ ...Object(event), extra: 1 }, without(event, 'subject'), without(event, 'data')]) {
      expect([CompletionEvent.safeParse(wrong).success, schema.safeParse(wrong).success]).toEqual([
        false,
        false,
      ]);
    }
  });

  it('has a sample of each type, in the file of its name', () => {
    const types = files
      .filter((file) => file !== 'fleet-reflex.json')
      .map((file) => [`${CompletionEvent.parse(JSON.parse(read(`events/${file}`))).type}.json`, file]);
    expect(types.map(([type]) => type).toSorted()).toEqual(
      CompletionEventType.options.map((type) => `${type}.json`).toSorted(),
    );
    expect(types.every(([type, file]) => type === file)).toBe(true);
  });
});

describe('a trigger event', () => {
  it('of every sample is one by its schema', () => {
    const schema = published('trigger-event');
    const events = [...triggerEvents()].map((event) => JSON.parse(JSON.stringify(event)));
    expect(new Set(events.map(({ kind }) => kind)).size).toBe(5);
    expect(events.filter((event) => !schema.safeParse(event).success)).toEqual([]);
    expect(events.filter((event) => schema.safeParse(without(event, 'id')).success)).toEqual([]);
    expect(events.filter((event) => TriggerEvent.safeParse(event).error)).toEqual([]);
  });
});

describe('a run request', () => {
  it('of every rule for every sample is one by its schema', () => {
    const schema = published('run-request');
    const requests = [...triggerEvents()].flatMap((event) =>
      matchRules(DEFAULT_RULES, event).map(({ rule }) => renderRule(rule, event, { now: NOW })),
    );
    expect(new Set(requests.map(({ action }) => action)).size).toBeGreaterThan(2);
    for (const request of requests) {
      const sent: unknown = JSON.parse(JSON.stringify(request));
      expect(RunRequest.parse(sent)).toEqual(sent);
      expect(schema.safeParse(sent).error).toBeUndefined();
      expect(schema.safeParse(without(sent, 'runId')).success).toBe(false);
    }
  });
});
