/**
 * Finds rules that begin when a run begins, and lock their instances: where these are the instances of that run, theirs
 * waits until that one has ended, which is late for what reacts to a beginning.
 */
import { type KnownFields, mayHold } from './may-hold.ts';
import type { Rule } from './rule.ts';

const SOURCE = 'fleet-reflex';
/** The states of a run whose start is told. */
const STARTED: readonly KnownFields[] = ['pending', 'running'].map((status) => ({
  'event.source': SOURCE,
  'event.kind': 'completion',
  'event.type': 'completion.run.started',
  'event.data.status': status,
}));

/** @returns whether the rule may fire for the start of a run, and its run would wait for that one where they overlap */
export function mayWaitForParent({ on, when, isByName, action }: Rule): boolean {
  if (action.kind !== 'run' || action.guards.lock !== true || !on.includes(SOURCE)) return false;
  if (isByName && when === undefined) return false;
  return STARTED.some((known) => mayHold(when, known));
}
