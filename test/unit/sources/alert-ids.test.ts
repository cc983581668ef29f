/** Which alerts are one and which are two: by who they are about, when they began, and what their labels are. */

import { describe, expect, it } from 'vitest';
import { labelFingerprint } from '../../../lib/sources/shared/alert-fingerprint.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { NOW, sourceUnderTest } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

const LABELS = { alertname: 'High5xx', instance_id: 'ins-local001' };
const alert = (fields: Record<string, unknown> = {}) => ({
  status: 'firing',
  labels: LABELS,
  startsAt: '2026-11-20T10:00:00Z',
  fingerprint: labelFingerprint(LABELS),
  ...fields,
});

function normalised(
  alerts: readonly unknown[],
  group: Record<string, unknown> = {},
  source = 'alertmanager',
) {
  const body = JSON.stringify({ version: '4', groupKey: 'g', status: 'firing', alerts, ...group });
  return sourceUnderTest(source).receiveMessage(requestOfMessage(body), {
    secrets: [''],
    now: NOW,
    settings: settingsOf(source),
  });
}

function idOf(fields: Record<string, unknown>, group: Record<string, unknown> = {}) {
  const made = normalised([alert(fields)], group);
  return made.kind === 'events' ? made.events[0]?.id : made;
}

describe('the fingerprint of labels', () => {
  // https://github.com/prometheus/common/blob/main/model/signature_test.go
  it.each([
    [{}, 14695981039346656037n],
    [{ name: 'garland, briggs', fear: 'love is not enough' }, 5799056148416392346n],
  ])('of %j is the one of Prometheus’ own test', (labels, expected) => {
    expect(BigInt(`0x${labelFingerprint(labels)}`)).toBe(expected);
  });
});

describe('an alert of Alertmanager', () => {
  it('has its fingerprint, its start and its status as its id', () => {
    expect(idOf({})).toBe(`${labelFingerprint(LABELS)}/2026-11-20T10:00:00Z/firing`);
  });

  it.each([
    ['2026-11-20T18:00:00+08:00'],
    ['2026-11-20T10:00:00.000Z'],
    ['2026-11-20T05:00:00.000000000-05:00'],
  ])('is the same when it says that it began at %s', (startsAt) => {
    expect(idOf({ startsAt })).toBe(idOf({}));
  });

  it('is the same in another group, with other annotations, and when it is sent again', () => {
    expect(idOf({ annotations: { value: '7' } }, { groupKey: 'h', truncatedAlerts: 3 })).toBe(idOf({}));
  });

  it('is another when it began at another time', () => {
    expect(idOf({ startsAt: '2026-11-20T11:00:00Z' })).not.toBe(idOf({}));
  });
});

describe('alerts of one fingerprint', () => {
  const fingerprint = 'c0ffee0000000001';
  const other = { ...LABELS, instance_id: 'ins-local002' };

  it('with other labels are two', () => {
    expect(idOf({ fingerprint, labels: other })).not.toBe(idOf({ fingerprint }));
    expect(idOf({ labels: other })).not.toBe(idOf({}));
    const made = normalised([alert({ fingerprint }), alert({ fingerprint, labels: other })]);
    expect(made.kind === 'events' && new Set(made.events.map(({ id }) => id)).size).toBe(2);
  });

  it('with the same labels in another order are one', () => {
    const reversed = Object.fromEntries(Object.entries(LABELS).toReversed());
    expect(idOf({ fingerprint, labels: reversed })).toBe(idOf({ fingerprint }));
  });
});

describe('alerts that do not say when they began', () => {
  it.each([undefined, null, '', '0001-01-01T00:00:00Z', 'yesterday'])(
    '(%j) are one when they come again to the byte, and two otherwise',
    (startsAt) => {
      const first = idOf({ startsAt, annotations: { at: 'Monday' } });
      expect(idOf({ startsAt, annotations: { at: 'Monday' } })).toBe(first);
      expect(idOf({ startsAt, annotations: { at: 'Tuesday' } })).not.toBe(first);
      expect(idOf({ startsAt, status: 'resolved', annotations: { at: 'Monday' } })).not.toBe(first);
    },
  );
});

describe('alerts that the sender left out', () => {
  it.each([
    ['alertmanager', '4'],
    ['grafana', '1'],
  ])('are told: of %s', (source, version) => {
    const made = normalised([alert()], { version, truncatedAlerts: 7 }, source);
    expect(made).toMatchObject({
      kind: 'events',
      notes: [{ code: 'alerts.truncated', message: expect.stringMatching(/\b7\b/) }],
    });
  });

  it('are told where nothing else is there', () => {
    expect(normalised([], { truncatedAlerts: 7 })).toEqual({
      kind: 'ignored',
      because: 'the notification has no alerts, and truncatedAlerts says that 7 were left out',
    });
  });

  it.each([0, '0', null, undefined, -1, 'many', 1.5, { a: 1 }])('are none: %j', (truncatedAlerts) => {
    expect(normalised([alert()], { truncatedAlerts })).not.toHaveProperty('notes');
  });
});
