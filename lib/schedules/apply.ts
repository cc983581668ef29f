/** Carries out a plan at the providers, one step after the other; a step that fails stops no other. */

import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { SchedulePorts } from './context.ts';
import { schedulesOf } from './context.ts';
import type { ExistingSchedule, ScheduleStep } from './plan.ts';

export interface Place {
  provider: ProviderName;
  region: string;
}

/** What could not be done, and why. */
export interface Failed {
  what: string;
  error: FleetReflexError;
}

export interface Applied {
  done: ScheduleStep[];
  failed: Failed[];
}

export interface Listing {
  existing: ExistingSchedule[];
  /** Of what is in these places nothing is known now. */
  unknown: (Place & Failed)[];
}

/** Ours in these places, each asked once. One that cannot be asked is no reason to leave the others. */
export async function listExisting(places: readonly Place[], schedules: SchedulePorts): Promise<Listing> {
  const listing: Listing = { existing: [], unknown: [] };
  const distinct = new Map(places.map((place) => [placeOf(place), place]));
  for (const { provider, region } of distinct.values()) {
    try {
      const found = await schedulesOf(schedules, provider).list(region);
      listing.existing.push(...found.map((schedule) => ({ ...schedule, provider })));
    } catch (error) {
      if (!(error instanceof FleetReflexError)) throw error;
      listing.unknown.push({ provider, region, what: `list (${provider}, ${region})`, error });
    }
  }
  return listing;
}

/** Of some schedules, those in places that could be asked. */
export function within<Placed extends Place>(schedules: readonly Placed[], { unknown }: Listing): Placed[] {
  const out = new Set(unknown.map(placeOf));
  return schedules.filter((schedule) => !out.has(placeOf(schedule)));
}

function placeOf({ provider, region }: Place): string {
  return `${provider}/${region}`;
}

export async function applySteps(steps: readonly ScheduleStep[], schedules: SchedulePorts): Promise<Applied> {
  const applied: Applied = { done: [], failed: [] };
  for (const step of steps) {
    try {
      await applyStep(step, schedules);
      applied.done.push(step);
    } catch (error) {
      if (!(error instanceof FleetReflexError)) throw error;
      applied.failed.push({ what: describeStep(step), error });
    }
  }
  return applied;
}

async function applyStep(step: ScheduleStep, schedules: SchedulePorts): Promise<void> {
  const port = schedulesOf(schedules, step.provider);
  switch (step.kind) {
    case 'create':
      await port.create(step.spec);
      return;
    case 'change':
      await port.change(step.scheduleId, step.spec);
      return;
    case 'enable':
      await port.enable(step);
      return;
    case 'remove':
      await port.remove(step);
      return;
    case 'disable':
      try {
        await port.disable(step);
      } catch (error) {
        // Where a schedule cannot be paused it goes, and is made again when it is wanted.
        if (!(error instanceof FleetReflexError) || error.code !== 'provider.unsupported') throw error;
        await port.remove(step);
      }
  }
}

/** `create monthly-logrotate (tencent, ap-guangzhou)`, for logs and people. */
export function describeStep(step: ScheduleStep): string {
  const { name, region } = 'spec' in step ? step.spec : step;
  const reason = 'reason' in step ? `: ${step.reason}` : '';
  return `${step.kind} ${name} (${step.provider}, ${region})${reason}`;
}
