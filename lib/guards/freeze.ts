/** The kill switch. All code that sends a command checks it immediately before each send. */
import type { Reason } from '../model/completion-event.ts';
import type { Freeze, GuardStore } from '../store/guard-store.ts';

/**
 * Why sending is forbidden now: `guard.freeze`, with who froze it and until when.
 * @returns undefined when nothing is frozen
 */
export async function frozenBecause(
  store: Pick<GuardStore, 'freeze'>,
  now: Date,
): Promise<Reason | undefined> {
  return freezeReason(await store.freeze(now));
}

/** The same of a freeze that has been read. */
export function freezeReason(frozen: Freeze | undefined): Reason | undefined {
  if (frozen === undefined) return undefined;
  const who =
    frozen.onBehalfOf === undefined ? frozen.by : `${frozen.by} (on behalf of ${frozen.onBehalfOf})`;
  const until = frozen.until ? `until ${frozen.until.toISOString()}` : 'until it is lifted';
  return {
    code: 'guard.freeze',
    message: `${who} has frozen all runs ${until}: ${frozen.reason}.`,
  };
}
