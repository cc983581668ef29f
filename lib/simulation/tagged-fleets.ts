/** The instances of tagged fleets where no cloud can be asked: those that somebody has written down, or none. */
import { FleetReflexError } from '../errors.ts';
import { isUnresolved, type Run } from '../model/run.ts';
import type { TaggedFleet } from '../model/tagged-fleet.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';

/**
 * @param written by the fleets' names
 * @param how what to write, for the message
 */
export function writtenFleets(
  written: Readonly<Record<string, readonly string[]>>,
  how: (fleet: TaggedFleet) => string,
): FleetCache {
  return {
    async read(fleet) {
      const instances = Object.hasOwn(written, fleet.name) ? written[fleet.name] : undefined;
      if (instances !== undefined) return { instances, at: new Date(0) };
      throw new FleetReflexError('provider.unasked', `no cloud is asked here; ${how(fleet)}`);
    },
  };
}

/** A run of whose fleet nothing is known, as if it were one instance of this name: what depends on how many is not asked. */
export function standIn(run: Run, at: Date): Run {
  const { taggedFleet, target } = run;
  if (taggedFleet === undefined || target === undefined || !isUnresolved(run)) return run;
  const { maxShare: _, ...guards } = run.guards;
  const instances = target.instances.length > 0 ? target.instances : [`the fleet ${taggedFleet.name}`];
  return {
    ...run,
    target: { ...target, instances },
    guards,
    taggedFleet: { ...taggedFleet, readAt: at.toISOString() },
  };
}
