/** Questions about a run that several views ask. */
import type { Reason, RunSummary } from './answers.ts';

const OPEN: ReadonlySet<string> = new Set(['dispatching', 'scheduled', 'pending', 'running', 'stopping']);

export function isOpen({ status }: Pick<RunSummary, 'status'>): boolean {
  return OPEN.has(status);
}

/** Whether a person has to say yes or no. */
export function waitsForPerson({ waitingFor }: Pick<RunSummary, 'waitingFor'>): boolean {
  return waitingFor?.code === 'approval';
}

export function whyOf({ reason, waitingFor }: Pick<RunSummary, 'reason' | 'waitingFor'>): Reason | undefined {
  return reason ?? waitingFor;
}

export function instancesText(instances: readonly string[]): string {
  return instances.length > 3 ? `${instances.length} instances` : instances.join(', ');
}
