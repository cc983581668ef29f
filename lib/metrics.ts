/**
 * Metrics in CloudWatch's embedded metric format: a line of JSON on the standard output, which CloudWatch Logs makes data
 * points of, without a call.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */

const NAMESPACE = 'FleetReflex';

/** Each counts for the stage, for alarms, and for these dimensions, whose values are few: each pair costs money. */
const METRICS = {
  /** Events that were verified and decided about. */
  EventsAccepted: { unit: 'Count', by: ['source'] },
  /** Requests that a door refused. */
  EventsRefused: { unit: 'Count', by: ['source'] },
  RunsSent: { unit: 'Count', by: ['provider', 'region'] },
  /** Told ends of runs, rejected ones too. */
  RunsEnded: { unit: 'Count', by: ['status'] },
  RunsRejected: { unit: 'Count', by: ['guard'] },
  /** Calls that a cloud did not answer, or answered with an error of its own. */
  ProviderErrors: { unit: 'Count', by: ['provider', 'region'] },
  CircuitOpen: { unit: 'Count', by: ['provider', 'region'] },
  /** From the end of a run to when all of its destinations have its completion event. */
  CompletionLag: { unit: 'Milliseconds', by: [] },
  /** How long the oldest message of a batch had been on its queue. */
  QueueAge: { unit: 'Milliseconds', by: ['queue'] },
  /** How long a call of the poller took. */
  PollerPass: { unit: 'Milliseconds', by: [] },
} as const;

export type MetricName = keyof typeof METRICS;
type Dimension = (typeof METRICS)[MetricName]['by'][number];

export interface Metrics {
  /** @param facts the metric's dimensions; others that it has are not written */
  add(name: MetricName, value: number, facts?: Readonly<Partial<Record<Dimension, string>>>): void;
}

export function embeddedMetrics(stage: string, write: (line: string) => void = console.log): Metrics {
  return {
    add(name, value, facts = {}) {
      const { unit, by } = METRICS[name];
      const given = by.flatMap((dimension) => {
        const fact = facts[dimension];
        return fact === undefined ? [] : [[dimension, fact] as const];
      });
      const Dimensions = [['stage'], ...(given.length > 0 ? [['stage', ...given.map(([it]) => it)]] : [])];
      write(
        JSON.stringify({
          _aws: {
            Timestamp: Date.now(),
            CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions, Metrics: [{ Name: name, Unit: unit }] }],
          },
          stage,
          ...Object.fromEntries(given),
          [name]: value,
        }),
      );
    },
  };
}
