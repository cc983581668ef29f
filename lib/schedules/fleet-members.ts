/**
 * Standing schedules on tagged fleets, with the instances that these have now: a provider's schedule has a list of them,
 * which each sync brings in step with the tags. One whose fleet cannot be read, or has none, stays as the provider has it.
 */
import { FleetReflexError } from '../errors.ts';
import { keyOf } from '../model/live-schedule.ts';
import { describeTags } from '../model/tagged-fleet.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import { factsOf } from '../providers/registry.ts';
import type { StandingSchedule } from '../rules/rule.ts';
import type { Failed } from './apply.ts';
import type { ExistingSchedule } from './plan.ts';

export interface WithMembers {
  wanted: StandingSchedule[];
  failed: Failed[];
}

/** @param existing what the providers have */
export async function withMembers(
  standing: readonly StandingSchedule[],
  existing: readonly ExistingSchedule[],
  fleets: FleetCache,
): Promise<WithMembers> {
  const there = new Map(existing.map((schedule) => [keyOf(schedule), schedule]));
  const wanted: StandingSchedule[] = [];
  const failed: Failed[] = [];
  for (const schedule of standing) {
    try {
      wanted.push({ ...schedule, instances: await membersOf(schedule, fleets) });
    } catch (thrown) {
      if (!(thrown instanceof FleetReflexError)) throw thrown;
      failed.push({ what: `the fleet of the schedule ${schedule.name}`, error: thrown });
      const instances = there.get(keyOf(schedule))?.instances;
      if (instances !== undefined) wanted.push({ ...schedule, instances });
    }
  }
  return { wanted, failed };
}

/** @throws FleetReflexError `provider.*`, `fleet.empty`, `fleet.too-large`, `fleet.mixed`, `instances.not-in-fleet` */
async function membersOf(schedule: StandingSchedule, fleets: FleetCache): Promise<readonly string[]> {
  const { taggedFleet, instances: named, provider, region } = schedule;
  if (taggedFleet === undefined) return named;
  const { instances: found } = await fleets.read(taggedFleet, { provider, region });
  const { title, schedules } = factsOf(provider);
  const fleet = `The fleet ${taggedFleet.name} (${describeTags(taggedFleet.tags)} in ${region})`;
  const refuse = (code: string, message: string) => new FleetReflexError(code, `${fleet} ${message}`);
  if (found.length === 0)
    throw refuse('fleet.empty', `has no instance: ${title} lists none with these tags.`);
  const outside = named.find((id) => !found.includes(id));
  if (outside !== undefined) throw refuse('instances.not-in-fleet', `does not have ${outside}.`);
  const members = named.length > 0 ? named : found;
  const most = schedules?.maxInstances ?? 0;
  if (members.length > most) {
    const advice = 'Write a rule with `schedule`, which fleet-reflex starts, or narrower fleets.';
    throw refuse(
      'fleet.too-large',
      `has ${members.length} instances, and a schedule takes at most ${most}. ${advice}`,
    );
  }
  const kinds = new Set(members.map((id) => id.slice(0, id.indexOf('-') + 1)));
  if (schedules?.isOfOneKind === true && kinds.size > 1) {
    throw refuse(
      'fleet.mixed',
      `has instances of several kinds (${[...kinds].join(', ')}), and a schedule takes one.`,
    );
  }
  return members;
}
