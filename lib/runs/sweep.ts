/** What a sweep finds: what is not as it should be between the clouds, the table and the queues. */
export interface Finding {
  code:
    | 'events.untold'
    | 'run.unwatched'
    | 'run.overdue'
    | 'run.unreadable'
    | 'lock.ownerless'
    | 'invocation.no-run'
    | 'invocation.unknown-to-run';
  /** The run, the instance or the invocation that it is about. */
  where: string;
  /** What is so, and what should be. */
  message: string;
  /** What to do; of what was repaired, what happens next. */
  advice: string;
  /**
   * - `repaired`: it was, by this sweep
   * - `repairable`: it would be, were it no dry run
   * - `person`: only a person can
   */
  state: 'repaired' | 'repairable' | 'person';
}

/** What a sweep may repair it does, unless this is a dry run. */
export async function repairable(
  finding: Omit<Finding, 'state'>,
  isDryRun: boolean,
  repair: () => Promise<void>,
): Promise<Finding> {
  if (isDryRun) return { ...finding, state: 'repairable' };
  await repair();
  return { ...finding, state: 'repaired' };
}
