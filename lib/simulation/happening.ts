/** What a simulation is given, and what it knows of each run. */
import type { Reason } from '../model/completion-event.ts';
import { instancesOf, type Run } from '../model/run.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Origin } from '../runs/decide.ts';
import type { Effect, RequestOf, Waited } from './effect.ts';

/** One request of a run, and what became of it. */
export interface Happening {
  readonly request: RunRequest;
  /** Absent while it waits. */
  effect?: Effect;
}

/** The events of one delivered request. */
export interface Delivery {
  events: readonly TriggerEvent[];
  origin?: Omit<Origin, 'askedAt'>;
  /** How long the runs take that it starts. */
  takesMs: number;
  /** How they end. Default: they succeed. */
  ends?: Ending | undefined;
}

export type Ending = 'succeeded' | 'failed';
/** How long the runs of a delivery take, and how they end. */
export type Fate = Pick<Delivery, 'takesMs' | 'ends'>;

/** A run that is not over, or was. */
export interface Live {
  run: Run;
  request: RequestOf<'run' | 'schedule'>;
  happening: Happening;
  fate: Fate;
  state: 'scheduled' | 'waiting' | 'running' | 'over';
  waited?: { since: Date; asked: Date; retryAfterMs: number; reason: Reason };
}

/** Whether they have an instance in common. */
export function isOnSame(a: Run, b: Run): boolean {
  const others = new Set(instancesOf(b));
  return instancesOf(a).some((instanceId) => others.has(instanceId));
}

export function waitOf({ waited }: Live, now: Date): { waited?: Waited } {
  if (waited === undefined) return {};
  return { waited: { code: waited.reason.code, ms: now.getTime() - waited.since.getTime() } };
}

export function withWait(effect: Effect | undefined, one: Live, now: Date): Effect | undefined {
  return effect?.kind === 'stopped' ? { ...effect, ...waitOf(one, now) } : effect;
}
