/** A metric is a line that CloudWatch understands: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
import { expect, it } from 'vitest';
import { measureTold } from '../../lib/completions/measure-told.ts';
import { embeddedMetrics, type MetricName } from '../../lib/metrics.ts';
import { aCompletionEvent } from '../fixtures/completion-events.ts';

/** The metrics of the stage `prod`, and what their lines say. */
function captured() {
  const lines: string[] = [];
  return { lines, metrics: embeddedMetrics('prod', (line) => lines.push(line)) };
}

it('a metric counts for the stage, and for the region of its provider', () => {
  const { lines, metrics } = captured();
  const before = Date.now();
  const target = {
    provider: 'tencent',
    region: 'ap-guangzhou',
    command: 'cmd-1',
    parameters: { a: 'secret' },
  };
  metrics.add('CircuitOpen', 1, target);
  const [line = ''] = lines;
  const metric: { _aws: { Timestamp: number } } = JSON.parse(line);
  expect(metric).toEqual({
    _aws: {
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: 'FleetReflex',
          Dimensions: [['stage'], ['stage', 'provider', 'region']],
          Metrics: [{ Name: 'CircuitOpen', Unit: 'Count' }],
        },
      ],
    },
    stage: 'prod',
    provider: 'tencent',
    region: 'ap-guangzhou',
    CircuitOpen: 1,
  });
  expect(metric._aws.Timestamp).toBeGreaterThanOrEqual(before);
  expect(line).not.toContain('\n');
});

it.each<[MetricName, object, string[][], string]>([
  ['EventsAccepted', { source: 'slack' }, [['stage'], ['stage', 'source']], 'Count'],
  ['EventsRefused', { source: 'slack' }, [['stage'], ['stage', 'source']], 'Count'],
  ['RunsSent', { provider: 'a', region: 'b' }, [['stage'], ['stage', 'provider', 'region']], 'Count'],
  ['RunsEnded', { status: 'failed' }, [['stage'], ['stage', 'status']], 'Count'],
  ['RunsRejected', { guard: 'guard.lock' }, [['stage'], ['stage', 'guard']], 'Count'],
  ['CompletionLag', {}, [['stage']], 'Milliseconds'],
  ['QueueAge', { queue: 'runs' }, [['stage'], ['stage', 'queue']], 'Milliseconds'],
  ['PollerPass', {}, [['stage']], 'Milliseconds'],
])('%s has its dimensions %o', (name, facts, dimensions, unit) => {
  const { lines, metrics } = captured();
  metrics.add(name, 7, facts);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    _aws: { CloudWatchMetrics: [{ Dimensions: dimensions, Metrics: [{ Name: name, Unit: unit }] }] },
    stage: 'prod',
    ...facts,
    [name]: 7,
  });
});

it('what was told counts ends by their status, rejections by their guard, and how late the news is', () => {
  const points: unknown[] = [];
  const metrics = { add: (...point: unknown[]) => void points.push(point) };
  const ended = aCompletionEvent();
  const at = new Date('2026-11-21T10:00:02.000Z');
  const completed = {
    ...ended,
    data: { ...ended.data, status: 'failed' as const, endedAt: '2026-11-21T10:00:00.500Z' },
  };
  const rejected = {
    ...ended,
    type: 'fleet-reflex.run.rejected' as const,
    data: {
      ...ended.data,
      status: 'rejected' as const,
      endedAt: undefined,
      reason: { code: 'approval.expired', message: 'nobody said anything' },
    },
  };
  const started = { ...ended, type: 'fleet-reflex.run.started' as const };
  measureTold([started, completed, rejected], metrics, at);
  expect(points).toEqual([
    ['RunsEnded', 1, { status: 'failed' }],
    ['CompletionLag', 1_500],
    ['RunsEnded', 1, { status: 'rejected' }],
    ['RunsRejected', 1, { guard: 'approval.expired' }],
  ]);
});
