/** Which ends a run is followed by, on which instances, and what the run that follows takes over. */
import { describe, expect, it, test } from 'vitest';
import type { Run, RunInvocation } from '../../../lib/model/run.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import { followUpRequest, withNext } from '../../../lib/runs/follow-up.ts';
import { newRun } from '../../../lib/runs/new-run.ts';
import { aFollowUp, withFollowUps } from '../../fixtures/follow-ups.ts';
import { aCloud, aRunRequest } from '../../fixtures/run-world.ts';

const { provider } = aCloud(() => 0);
const ENDED_AT = '2026-11-21T10:00:00.000Z';

const sent = (...instances: string[]): RunInvocation => ({
  token: 't',
  instances,
  state: 'sent',
  invocationId: 'inv-1',
});

function task(
  instanceId: string,
  status: Run['tasks'][number]['status'],
  started: 'yes' | 'no' | 'maybe' = 'yes',
) {
  return {
    invocationId: 'inv-1',
    taskId: `invt-${instanceId}`,
    instanceId,
    status,
    providerStatus: 'X',
    started,
    outputDroppedBytes: 0,
    isEventSent: false,
  };
}

function ended(given: Partial<Run>, followUp = aFollowUp()): Run {
  const request = withFollowUps(
    aRunRequest(),
    followUp,
    aFollowUp({ rule: 'announce', after: ['succeeded'] }),
  );
  const run = newRun(request, provider, new Date(0));
  return withNext({ ...run, invocations: [sent('ins-1', 'ins-2')], endedAt: ENDED_AT, ...given });
}

test.each<[Run['status'], string | undefined]>([
  ['succeeded', 'announce'],
  ['failed', 'roll-back'],
  ['partly_failed', 'roll-back'],
  ['timed_out', 'roll-back'],
  ['stopped', undefined],
  ['partly_stopped', undefined],
  ['rejected', undefined],
  ['expired', undefined],
  ['unknown', undefined],
])('%s is followed by %s', (status, rule) => {
  const run = ended({ status });
  expect(run.next?.rule).toBe(rule);
  expect(run.outbox).toEqual(rule === undefined ? [] : ['follow-up']);
  expect(followUpRequest(run)?.rule).toBe(rule);
});

describe('a run that failed is not followed', () => {
  it('if nothing of it was sent', () => {
    expect(
      ended({ status: 'failed', invocations: [{ ...sent('ins-1'), state: 'notSent' }] }).next,
    ).toBeUndefined();
  });

  it('if somebody cancelled it, unless the rule says so', () => {
    const cancelled = { status: 'partly_failed', cancelRequestedAt: ENDED_AT } as const;
    expect(ended(cancelled).next).toBeUndefined();
    expect(ended(cancelled, aFollowUp({ after: ['stopped'] })).next?.rule).toBe('roll-back');
  });

  it('nor if it succeeded although it was cancelled', () => {
    expect(ended({ status: 'succeeded', cancelRequestedAt: ENDED_AT }).next).toBeUndefined();
  });

  it('if none of the instances was touched', () => {
    const tasks = [task('ins-1', 'undelivered', 'no'), task('ins-2', 'undelivered', 'no')];
    expect(ended({ status: 'failed', tasks }, aFollowUp({ instances: 'touched' })).next).toBeUndefined();
  });
});

describe('the run that follows', () => {
  it('keeps the event, the reply address and the lineage, and has its own times', () => {
    const replyTo = { via: 'slack', address: { url: 'https://x' }, outputs: 'channel' } as const;
    const run = ended({ status: 'failed', replyTo });
    const request = followUpRequest(run);
    expect(RunRequest.parse(request)).toEqual(JSON.parse(JSON.stringify(request)));
    expect(request).toMatchObject({
      runId: run.next?.runId,
      trigger: run.trigger,
      replyTo: { via: 'slack', address: { url: 'https://x' } },
      chain: { ancestry: [{ rule: run.rule, runId: run.runId }], depth: 1, maxDepth: 3 },
      after: { runId: run.runId, status: 'failed', failed: { runId: run.runId } },
      requestedAt: ENDED_AT,
      deadline: '2026-11-21T10:15:00.000Z',
    });
    expect(request?.replyTo).not.toHaveProperty('outputs', 'channel');
  });

  it('remembers what failed first, three deep', () => {
    const failed = { runId: `run-${'a'.repeat(26)}`, rule: 'deploy', status: 'failed' as const };
    const run = ended({ status: 'succeeded', after: { ...failed, runId: `run-${'b'.repeat(26)}`, failed } });
    expect(followUpRequest(run)?.after).toEqual({
      runId: run.runId,
      rule: run.rule,
      status: 'succeeded',
      failed,
    });
  });

  it('is on the instances that were touched, or on which it failed', () => {
    const run: Partial<Run> = {
      status: 'partly_failed',
      target: { ...aRunRequest().target, instances: ['ins-1', 'ins-2', 'ins-3', 'ins-4', 'ins-5'] },
      invocations: [
        sent('ins-1', 'ins-2', 'ins-3'),
        { ...sent('ins-4'), state: 'notSent' },
        { ...sent('ins-5'), state: 'dropped' },
      ],
      tasks: [task('ins-1', 'succeeded'), task('ins-2', 'failed'), task('ins-3', 'undelivered', 'no')],
    };
    const { asks, ...rest } = aFollowUp();
    if (asks.action === 'reject') throw new Error('no target');
    const fleet = {
      ...asks,
      target: { ...asks.target, instances: ['ins-1', 'ins-2', 'ins-3', 'ins-4', 'ins-5'] },
    };
    const instancesOf = (instances: 'touched' | 'failed') =>
      followUpRequest(ended(run, { ...rest, asks: fleet, instances }));
    expect(instancesOf('touched')).toMatchObject({ target: { instances: ['ins-1', 'ins-2'] } });
    expect(instancesOf('failed')).toMatchObject({ target: { instances: ['ins-2', 'ins-3', 'ins-4'] } });
    const outside = { ...asks, target: { ...asks.target, instances: ['ins-1'] } };
    expect(followUpRequest(ended(run, { ...rest, asks: outside, instances: 'touched' }))).toMatchObject({
      action: 'reject',
      reason: { code: 'instances.not-in-fleet', message: expect.stringContaining('ins-2') },
      after: { status: 'partly_failed' },
    });
  });

  it('waits as long as its rule says', () => {
    const { asks, ...rest } = aFollowUp();
    if (asks.action === 'reject') throw new Error('no target');
    expect(
      followUpRequest(ended({ status: 'failed' }, { ...rest, asks: { ...asks, delayMs: 60_000 } })),
    ).toMatchObject({
      action: 'schedule',
      at: '2026-11-21T10:01:00.000Z',
      execution: { deadlineMs: 900_000 },
    });
  });

  it('is a rejection where its event does not fit its rule', () => {
    const reason = { code: 'parameters.unsafe', message: 'no' };
    expect(
      followUpRequest(ended({ status: 'failed' }, aFollowUp({ asks: { action: 'reject', reason } }))),
    ).toMatchObject({
      action: 'reject',
      reason,
      rule: 'roll-back',
    });
  });

  it('is not promised at the end of too long a chain, and the stop is on record', () => {
    const ancestry = ['a', 'b', 'c'].map((rule) => ({ rule, runId: `run-${rule.repeat(26)}` }));
    const run = ended({ status: 'failed', ancestry });
    expect(run.next).toBeUndefined();
    expect(run.outbox).toEqual(['follow-up']);
    expect(followUpRequest(run)?.chain).toMatchObject({ depth: 4, maxDepth: 3 });
  });
});
