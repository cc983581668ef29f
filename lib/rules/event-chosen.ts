/** Which fields of a rule an event chooses: what comes from the file alone was meant by the people who wrote it. */
import type { Template } from './template.ts';

/** Whether an event decides what the field is. A template without an expression is the same for every event. */
export function isFromEvent({ literal }: Template): boolean {
  return literal === undefined;
}

/** Whether an event decides at least one of the instances. */
export function areInstancesFromEvent(instances: readonly Template[]): boolean {
  return instances.some(isFromEvent);
}
