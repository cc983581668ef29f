/**
 * Which instances the tagged fleets have, as the clouds said last. One for each process: all runs that it sends share
 * it, so that they ask each cloud once in a while and not once each.
 */
import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import { describeTags, type TaggedFleet } from '../model/tagged-fleet.ts';
import { type Provider, type Providers, providerOf } from './provider.ts';

export interface FleetPlace {
  provider: ProviderName;
  region: string;
}

export interface FleetCache {
  /**
   * @throws FleetReflexError `provider.*`: it cannot be said now. Never an empty list for that
   */
  read(fleet: TaggedFleet, place: FleetPlace): Promise<FleetReading>;
}

export interface FleetReading {
  /** Each once. */
  instances: readonly string[];
  /** When the cloud was asked. */
  at: Date;
}

/** More fleets than a rules file has; then all are forgotten. */
const MAX_FLEETS = 1_000;

/** @param maxAgeMs how long what a cloud said is taken for true; 0: each run asks */
export function fleetCache({
  providers,
  maxAgeMs,
  now,
}: {
  providers: Providers<Pick<Provider, 'instancesWithTags'>>;
  maxAgeMs: number;
  now: () => Date;
}): FleetCache {
  const known = new Map<string, { at: Date; reading: Promise<FleetReading> }>();

  async function ask({ name, tags }: TaggedFleet, { provider, region }: FleetPlace, at: Date) {
    const port = providerOf(providers, provider);
    if (port.instancesWithTags === undefined) {
      throw new FleetReflexError(
        'provider.unsupported',
        `${provider} cannot say which instances have the tags ${describeTags(tags)} of the fleet ${name}; list them in \`fleets\``,
        { details: { provider } },
      );
    }
    return { instances: [...new Set(await port.instancesWithTags(region, tags))], at };
  }

  return {
    async read(fleet, place) {
      const key = keyOf(fleet, place);
      const at = now();
      const last = known.get(key);
      if (last !== undefined && at.getTime() - last.at.getTime() < maxAgeMs) return await last.reading;
      const entry = { at, reading: ask(fleet, place, at) };
      if (known.size >= MAX_FLEETS) known.clear();
      known.set(key, entry);
      const forget = () => {
        if (known.get(key) === entry) known.delete(key);
      };
      try {
        const reading = await entry.reading;
        // One that has none now may have some in a moment.
        if (reading.instances.length === 0) forget();
        return reading;
      } catch (thrown) {
        forget();
        throw thrown;
      }
    },
  };
}

/** Of what decides the answer: two names for the same tags share it. */
function keyOf({ tags }: TaggedFleet, { provider, region }: FleetPlace): string {
  const sorted = Object.entries(tags).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([provider, region, sorted]);
}
