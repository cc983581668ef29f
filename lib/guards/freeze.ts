/** The kill switch and the windows. All code that sends a command checks them immediately before each send. */
import type { Reason } from '../model/completion-event.ts';
import type { RenderedGuards } from '../model/run-request.ts';
import type { Freeze, GuardStore } from '../store/guard-store.ts';
import type { Frozen } from './guard.ts';

/**
 * Why sending is forbidden now, by the kill switch: `guard.freeze`, with who froze it and until when.
 * @returns undefined when nothing is frozen
 */
export async function frozenBecause(
  store: Pick<GuardStore, 'freeze'>,
  now: Date,
): Promise<Reason | undefined> {
  return bySwitch(await store.freeze(now))?.reason;
}

/**
 * Why nothing of a run with these guards may be sent then: by the switch, which stands before the windows.
 * @param frozen the switch as it has been read
 */
export async function frozenBy(
  { windows }: RenderedGuards,
  frozen: Freeze | undefined,
  at: Date,
): Promise<Frozen | undefined> {
  const switched = bySwitch(frozen);
  if (switched !== undefined || windows === undefined) return switched;
  // Only a run that has windows loads what reads them.
  const { closedBy } = await import('./windows.ts');
  return closedBy(windows, at);
}

function bySwitch(frozen: Freeze | undefined): Frozen | undefined {
  if (frozen === undefined) return undefined;
  const who =
    frozen.onBehalfOf === undefined ? frozen.by : `${frozen.by} (on behalf of ${frozen.onBehalfOf})`;
  const until = frozen.until ? `until ${frozen.until.toISOString()}` : 'until it is lifted';
  return {
    reason: {
      code: 'guard.freeze',
      message: `${who} has frozen all runs ${until}: ${frozen.reason}.`,
    },
    until: frozen.until,
  };
}
