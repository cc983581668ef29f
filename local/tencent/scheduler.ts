/** Fires the invokers: looks at the clock again and again, and starts what is due. */
import { messageOf } from '../../lib/errors.ts';
import type { Clock } from '../../lib/providers/clock.ts';
import { nextFiring } from './crontab.ts';
import { invoke } from './invocations.ts';
import type { Invocation, Invoker } from './records.ts';
import { findCommand, now, type World } from './world.ts';

const LOOK_EVERY_MS = 200;
/** The words of the vendor's own sample. */
const REASON = 'start an invocation at scheduled time.';

export interface Scheduler {
  /** An invoker is new, changed, enabled or disabled: its next time counts from now. */
  rearm(invoker: Invoker): void;
  disarm(invokerId: string): void;
  /** When it fires next; undefined: never. */
  nextAt(invokerId: string): Date | undefined;
  stop(): void;
}

/** @param worldOf the world that holds this scheduler, asked for when it is there */
export function createScheduler(clock: Clock, worldOf: () => World): Scheduler {
  const due = new Map<string, Date>();
  let unschedule: () => void;

  const look = (): void => {
    const world = worldOf();
    const at = now(world);
    for (const [invokerId, time] of [...due]) {
      if (time > at) continue;
      due.delete(invokerId);
      const invoker = world.records.invokers.get(invokerId);
      if (invoker === undefined) continue;
      fire(world, invoker);
      // From the time that was meant, so that a late look skips none.
      const next = nextFiring(invoker.schedule, time);
      if (next !== undefined) due.set(invokerId, next);
    }
    unschedule = clock.schedule(LOOK_EVERY_MS, look);
  };
  unschedule = clock.schedule(LOOK_EVERY_MS, look);

  return {
    rearm(invoker) {
      const next = invoker.isEnabled ? nextFiring(invoker.schedule, now(worldOf())) : undefined;
      if (next === undefined) due.delete(invoker.id);
      else due.set(invoker.id, next);
    },
    disarm: (invokerId) => due.delete(invokerId),
    nextAt: (invokerId) => due.get(invokerId),
    stop: () => unschedule(),
  };
}

function fire(world: World, invoker: Invoker): void {
  const record = { invokerId: invoker.id, region: invoker.region, invokedAt: now(world) };
  try {
    world.records.firings.push({ ...record, reason: REASON, invocation: start(world, invoker) });
  } catch (error) {
    world.records.firings.push({ ...record, reason: `${REASON} It failed: ${messageOf(error)}` });
  }
}

function start(world: World, invoker: Invoker): Invocation {
  return invoke(world, {
    region: invoker.region,
    command: findCommand(world, invoker.commandId, invoker.region),
    instanceIds: invoker.instanceIds,
    parameters: invoker.parameters,
    settings: { username: invoker.username === '' ? undefined : invoker.username },
    source: 'INVOKER',
    lateVisibilityMs: 0,
  });
}
