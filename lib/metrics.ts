/**
 * Metrics in CloudWatch's embedded metric format: a line of JSON on the standard output, which CloudWatch Logs makes data
 * points of, without a call.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */

const NAMESPACE = 'FleetReflex';

export type MetricName = 'ProviderErrors' | 'CircuitOpen';

export interface Metrics {
  /** Each point counts for the stage, for alarms, and for the provider's region. */
  add(name: MetricName, value: number, place: Readonly<{ provider: string; region: string }>): void;
}

export function embeddedMetrics(stage: string, write: (line: string) => void = console.log): Metrics {
  return {
    add(name, value, { provider, region }) {
      write(
        JSON.stringify({
          _aws: {
            Timestamp: Date.now(),
            CloudWatchMetrics: [
              {
                Namespace: NAMESPACE,
                Dimensions: [['stage'], ['stage', 'provider', 'region']],
                Metrics: [{ Name: name, Unit: 'Count' }],
              },
            ],
          },
          stage,
          provider,
          region,
          [name]: value,
        }),
      );
    },
  };
}
