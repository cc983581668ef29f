/** The times that senders write. */
import { describe, expect, it } from 'vitest';
import { toIsoTime } from '../../../lib/sources/shared/event-time.ts';

describe('a time', () => {
  it.each([
    ['RFC 3339', '2026-11-20T10:02:17.482Z', '2026-11-20T10:02:17.482Z'],
    ['with nanoseconds', '2026-11-20T10:02:17.482123456Z', '2026-11-20T10:02:17.482Z'],
    ['with an offset', '2026-11-20T18:02:17+08:00', '2026-11-20T10:02:17.000Z'],
    ['with an offset without a colon', '2026-11-20T10:02:17.551+0000', '2026-11-20T10:02:17.551Z'],
    ['in the basic format', '20261120T180217.926+0800', '2026-11-20T10:02:17.926Z'],
    ['of GitLab', '2026-11-20 11:21:00 +0100', '2026-11-20T10:21:00.000Z'],
    ['of GitLab in UTC', '2026-11-20 10:15:26 UTC', '2026-11-20T10:15:26.000Z'],
    ['in seconds', 1795169580, '2026-11-20T10:13:00.000Z'],
    ['in seconds as text', '1795169580', '2026-11-20T10:13:00.000Z'],
    ['in milliseconds', '1795169580149', '2026-11-20T10:13:00.149Z'],
    ['in nanoseconds', 1795169580149002000, '2026-11-20T10:13:00.149Z'],
    ['of Go that is zero', '0001-01-01T00:00:00Z', undefined],
    ['of Tencent that is none', '0', undefined],
    ['that is no time', 'yesterday', undefined],
    ['that cannot be', '2026-13-45T10:00:00Z', undefined],
    ['that is nothing', undefined, undefined],
  ])('%s', (_, given, expected) => {
    expect(toIsoTime(given)).toBe(expected);
  });

  it('without a zone is in the zone given', () => {
    expect(toIsoTime('2026-11-20 18:13:00', '+08:00')).toBe('2026-11-20T10:13:00.000Z');
  });
});
