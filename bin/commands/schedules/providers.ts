/** Compares the standing schedules with what the providers have, and makes them so. */

import { CloudsConfig, readConfig } from '../../../lib/config.ts';
import { fleetCache } from '../../../lib/providers/fleet-cache.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { applySteps, describeStep, listExisting, type Place, within } from '../../../lib/schedules/apply.ts';
import type { SchedulePorts } from '../../../lib/schedules/context.ts';
import { withMembers } from '../../../lib/schedules/fleet-members.ts';
import { heldByWindows } from '../../../lib/schedules/hold.ts';
import { isRunName } from '../../../lib/schedules/live-schedule.ts';
import { planSchedules, type ScheduleStep } from '../../../lib/schedules/plan.ts';
import { closeProviders, providersOf, schedulesOf } from '../../../lib/wiring/providers.ts';
import { readRules } from '../rules/read.ts';
import { checkRecurrence, problemsOf } from '../rules/recurrence.ts';

/** @returns the exit code */
export async function planAtProviders(rules: string, places: readonly Place[]): Promise<number> {
  return await withPlan(rules, places, async (steps) => {
    for (const step of steps) console.log(describeStep(step));
    if (steps.length > 0) console.log('Nothing was changed: `fleet-reflex schedules sync` does it.');
    return 0;
  });
}

/** @returns the exit code */
export async function syncAtProviders(rules: string, places: readonly Place[]): Promise<number> {
  return await withPlan(rules, places, async (steps, ports) => {
    const { done, failed } = await applySteps(steps, ports);
    for (const step of done) console.log(`done: ${describeStep(step)}`);
    for (const { what, error } of failed) console.error(`failed: ${what}: ${error.message}`);
    return failed.length > 0 ? 1 : 0;
  });
}

async function withPlan(
  rules: string,
  more: readonly Place[],
  work: (steps: readonly ScheduleStep[], ports: SchedulePorts) => Promise<number>,
): Promise<number> {
  const ruleSet = await readRules(rules);
  const problems = await problemsOf(ruleSet.schedules, checkRecurrence);
  for (const problem of problems) console.error(`${rules}: ${problem}`);
  if (problems.length > 0) return 1;
  const config = readConfig(CloudsConfig);
  const providers = await providersOf(config);
  const ports = schedulesOf(providers);
  try {
    const listing = await listExisting([...placesOf(ruleSet), ...more], ports);
    const ofRuns = listing.existing.filter(({ name }) => isRunName(name)).length;
    for (const { what, error } of listing.unknown) console.error(`failed: ${what}: ${error.message}`);
    const now = new Date();
    const held = await heldByWindows(ruleSet.schedules, { schedules: ports, now: () => now });
    const fleets = fleetCache({ providers, maxAgeMs: Number.POSITIVE_INFINITY, now: () => now });
    const { wanted, failed } = await withMembers(within(held, listing), listing.existing, fleets);
    for (const { what, error } of failed) console.error(`failed: ${what}: ${error.message}`);
    const steps = planSchedules(wanted, listing.existing, now);
    console.log(
      `stage ${config.STAGE}: ${listing.existing.length - ofRuns} standing, ${ofRuns} made by runs (left alone), ${steps.length} to do`,
    );
    const code = await work(steps, ports);
    return listing.unknown.length > 0 || failed.length > 0 ? 1 : code;
  } finally {
    await closeProviders(providers);
  }
}

/** Where the schedules are; and where rules run something, for a schedule that left the file may have been there. */
function placesOf({ schedules, rules }: RuleSet): Place[] {
  const ofSchedules = schedules.map(({ provider, region }) => ({ provider, region }));
  const used = new Set(ofSchedules.map(({ provider }) => provider));
  const ofRules = rules.flatMap(({ action }): Place[] => {
    // A provider without a schedule has perhaps no credentials here: --region asks it.
    if (action.kind === 'cancel' || !used.has(action.target.provider)) return [];
    const { provider, region, fleetChoice } = action.target;
    const regions = fleetChoice ? fleetChoice.of.map((fleet) => fleet.region) : [region?.literal];
    return regions.flatMap((known) => (known === undefined ? [] : [{ provider, region: known }]));
  });
  return [...ofSchedules, ...ofRules];
}
