/**
 * `guards.maxShare`: runs on so much of a fleet at the same time, whatever rules they are of. An instance counts for each
 * run on it. One more run waits, up to its deadline.
 */
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import type { Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { mostAtOnce } from '../model/run-waves.ts';
import type { Cell, Revised } from '../store/cell.ts';
import type { GuardStore } from '../store/guard-store.ts';
import { ADMITTED, type Admission, type GuardContext } from './guard.ts';

const RETRY_MS = 5_000;
const CODE = 'guard.max-share';

/** How many instances each run in flight has. */
const InFlight = z.array(z.strictObject({ runId: RunId, instances: z.int() }));
type InFlight = z.infer<typeof InFlight>;

export async function maxShare(run: Run, { store }: GuardContext): Promise<Admission> {
  const { maxShare: share } = run.guards;
  if (share === undefined) return ADMITTED;
  const { runId } = run;
  const { fleet, percent, size } = share;
  if (size === undefined) {
    throw new FleetReflexError(
      'run.unresolved',
      `${runId} was to pass maxShare before the cloud was asked how many instances the fleet ${fleet} has.`,
      { disposition: 'retry' },
    );
  }
  const instances = mostAtOnce(run);
  // One at a time, however small the fleet is.
  const most = Math.max(1, Math.floor((size * percent) / 100));
  const limit = `${percent}% of the fleet ${fleet} are ${most} of its ${size} instances (maxShare)`;
  if (instances > most) {
    const message = `It asks for ${instances} instances at once; ${limit}.`;
    const advice =
      'It is never so many in one run: let the rule run on fewer, or raise guards.maxShare and deploy.';
    return { kind: 'refused', reason: { code: CODE, message, advice } };
  }
  const others = await store.revise(cellOf(fleet), (known): Revised<InFlight, InFlight | undefined> => {
    if (known.some((one) => one.runId === runId)) return { state: known, answer: undefined };
    const inUse = known.reduce((sum, one) => sum + one.instances, 0);
    if (inUse + instances > most) return { state: known, answer: known };
    return { state: [...known, { runId, instances }], answer: undefined };
  });
  if (others === undefined) return ADMITTED;
  const inUse = others.reduce((sum, one) => sum + one.instances, 0);
  const shown = others.slice(0, 3).map((one) => one.runId);
  const runs = others.length > 3 ? `${shown.join(', ')} and ${others.length - 3} more` : shown.join(', ');
  return {
    kind: 'wait',
    retryAfterMs: RETRY_MS,
    reason: {
      code: CODE,
      message: `Runs are on ${inUse} instances of the fleet ${fleet} (${runs}), and ${instances} more are too many: ${limit}.`,
      advice: 'It waits for them to end, up to its deadline.',
    },
  };
}

/** The run is over, or waits for something else: its part of the fleet is free. Safe to call again. */
export async function leaveShare(run: Run, store: GuardStore): Promise<void> {
  const { maxShare: share } = run.guards;
  if (share === undefined) return;
  await store.revise(cellOf(share.fleet), (known) => {
    const others = known.filter(({ runId }) => runId !== run.runId);
    return { state: others.length === known.length ? known : others, answer: undefined };
  });
}

function cellOf(fleet: string): Cell<InFlight> {
  return { guard: 'share', of: fleet, schema: InFlight, empty: [] };
}
