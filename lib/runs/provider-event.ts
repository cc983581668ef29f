/** Makes the events of a circuit. */
import type { ProviderEvent } from '../model/provider-event.ts';
import type { Target } from '../model/target.ts';
import type { OpenCircuit } from './circuit-state.ts';

export function providerEvent(
  status: ProviderEvent['data']['status'],
  { provider, region }: Pick<Target, 'provider' | 'region'>,
  { since, failures, code, message }: OpenCircuit,
  stage: string,
  now: Date,
): ProviderEvent {
  return {
    specversion: '1.0',
    id: `provider/${provider}/${region}/${since}/${status}`,
    type: `fleet-reflex.provider.${status}`,
    source: `/fleet-reflex/${stage}/providers/${provider}`,
    subject: `${provider}/${region}`,
    time: now.toISOString(),
    datacontenttype: 'application/json',
    data: { provider, region, status, since, failures, reason: { code, message } },
  };
}
