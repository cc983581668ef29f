/** A metric is a line that CloudWatch understands: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
import { expect, it } from 'vitest';
import { embeddedMetrics } from '../../lib/metrics.ts';

it('a metric counts for the stage, and for the region of its provider', () => {
  const lines: string[] = [];
  const before = Date.now();
  const target = {
    provider: 'tencent',
    region: 'ap-guangzhou',
    command: 'cmd-1',
    parameters: { a: 'secret' },
  };
  embeddedMetrics('prod', (line) => lines.push(line)).add('CircuitOpen', 1, target);
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
