/** What `npm start` shows of what the functions write. */
import { describe, expect, it } from 'vitest';
import { readableLines } from '../../../../local/stack/log-line.ts';

const entry = (message: string, facts: object = {}, level = 'INFO') =>
  JSON.stringify({
    level,
    message,
    timestamp: '2026-11-20T10:02:17.482Z',
    service: 'dispatch',
    sampling_rate: 0,
    requestId: 'a-request',
    ...facts,
  });

describe('a line of the functions', () => {
  it.each([
    [
      'a decision',
      entry('run.sent', { runId: 'run-1', invocationIds: ['inv-1'] }),
      ['10:02:17 dispatch run.sent  runId=run-1  invocationIds=["inv-1"]'],
    ],
    [
      'a warning',
      entry('run.refused', { code: 'X' }, 'WARN'),
      ['10:02:17 dispatch WARN run.refused  code=X'],
    ],
    ['a poller that found nothing', entry('poller.done', { read: 0, settled: 0, rescued: 0, failed: 0 }), []],
    [
      'a poller that ended a run',
      entry('poller.done', { settled: 1 }),
      ['10:02:17 dispatch poller.done  settled=1'],
    ],
    ['the runtime’s own word', '(λ: webhook) RequestId: 1  Duration: 2 ms', []],
    ['JSON that is no log line', '{"a":1}', []],
    ['broken JSON', '{"level":', []],
  ])('that is %s', (_, line, shown) => {
    expect(readableLines(line, false)).toEqual(shown);
  });

  it('that is an event’s decision names each run, or else why no rule matched', () => {
    const facts = {
      source: 'github',
      type: 'deploy.created',
      subject: 'octo/fleet',
      matched: [],
      unmatched: [{ rule: 'other', because: '`1 == 2` is false' }],
    };
    expect(readableLines(entry('event.decided', facts), false)).toEqual([
      '10:02:17 dispatch event.decided  deploy.created of github, about octo/fleet',
      '                  · other: `1 == 2` is false',
    ]);
    const matched = [
      { rule: 'deploy', runId: 'run-1' },
      { rule: 'unsafe', runId: 'run-2', rejected: 'a value has shell meaning' },
    ];
    expect(readableLines(entry('event.decided', { ...facts, matched }), false).slice(1)).toEqual([
      '                  ✓ deploy: run-1',
      '                  ✗ unsafe: run-2 rejected: a value has shell meaning',
    ]);
  });

  it('is shown whatever it is when all is asked for', () => {
    expect(readableLines('Offline [http for lambda] listening', true)).toEqual([
      'Offline [http for lambda] listening',
    ]);
    expect(readableLines('', true)).toEqual([]);
  });
});
