/** What of an event stays with the record of its decision, and what never does. */
import { describe, expect, it } from 'vitest';
import { keptEvent, MAX_KEPT_BYTES } from '../../../lib/model/kept-event.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';

const envelope = {
  specversion: '1.0',
  id: '1',
  source: 'alertmanager',
  type: 'x',
  time: '2026-11-20T10:00:00Z',
} as const;

const alert = (given: object = {}): TriggerEvent => ({
  ...envelope,
  kind: 'alert',
  data: {
    status: 'firing',
    name: 'Down',
    labels: { instance_id: 'ins-1', db_password: 'hunter2' },
    annotations: {},
    fingerprint: 'f',
    raw: { token: 'secret', alerts: [{ apiKey: 'k', authorization: { Bearer: 'x' } }], note: 'whole' },
    ...given,
  },
});
const chat: TriggerEvent = {
  ...envelope,
  kind: 'chat',
  data: {
    command: '/fleet',
    args: ['run'],
    options: { token: 'abc' },
    text: 'run',
    user: { id: 'U1' },
    raw: { response_url: 'https://hooks.example/1', trigger_id: '1', text: 'run' },
  },
};
const generic: TriggerEvent = { ...envelope, kind: 'generic', data: { body: { a: 1 } } };
const completion: TriggerEvent = {
  ...envelope,
  kind: 'completion',
  data: { runId: 'r', rule: 'r', status: 'failed', tasks: [{ exitCode: 3, output: 'private' }], raw: {} },
};

describe('by default (fields)', () => {
  it('keeps what our own forms have, without the original and what is called a secret', () => {
    expect(keptEvent(alert(), 'fields')).toEqual({
      ...alert(),
      data: {
        status: 'firing',
        name: 'Down',
        labels: { instance_id: 'ins-1', db_password: '•••' },
        annotations: {},
        fingerprint: 'f',
      },
    });
  });

  it('keeps nothing that a person typed, and nothing of an unknown form', () => {
    expect([chat, generic].map((event) => keptEvent(event, 'fields'))).toEqual([undefined, undefined]);
  });

  it('keeps how a task ended, and not what it printed', () => {
    expect(keptEvent(completion, 'fields')).toEqual({
      ...completion,
      data: { runId: 'r', rule: 'r', status: 'failed', tasks: [{ exitCode: 3 }] },
    });
  });
});

describe('all', () => {
  it('keeps originals and what people type, without what proves a request', () => {
    expect(keptEvent(alert(), 'all')).toMatchObject({
      data: {
        raw: { token: '•••', alerts: [{ apiKey: '•••', authorization: { Bearer: 'x' } }], note: 'whole' },
      },
    });
    expect(keptEvent(chat, 'all')).toMatchObject({
      data: {
        options: { token: '•••' },
        raw: { response_url: '•••', trigger_id: '•••', text: 'run' },
      },
    });
    expect(keptEvent(generic, 'all')).toEqual(generic);
  });

  it('leaves the original of a large event out, and one that is large without it', () => {
    const large = 'x'.repeat(MAX_KEPT_BYTES);
    expect(keptEvent(alert({ raw: large }), 'all')).toEqual(keptEvent(alert(), 'fields'));
    expect(keptEvent(alert({ summary: large }), 'all')).toBeUndefined();
  });
});

it('nothing is nothing', () => {
  expect([alert(), chat, generic, completion].map((event) => keptEvent(event, 'nothing'))).toEqual(
    Array(4).fill(undefined),
  );
});
