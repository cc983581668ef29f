/** A guard checks one run, and answers with a value. */
import type { Reason } from '../model/completion-event.ts';
import type { Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { GuardStore } from '../store/guard-store.ts';

export type Admission =
  | { kind: 'admitted' }
  /** Permanent: the run ends with this reason. */
  | { kind: 'refused'; reason: Reason }
  /** Temporary: check again after that time; the run's deadline still counts. `replaces`: runs to cancel for it. */
  | {
      kind: 'wait';
      retryAfterMs: number;
      reason: Reason;
      /** When there will be room, where that is known. */
      until?: Date | undefined;
      replaces?: readonly RunId[];
    }
  /** Not before that time: it is put off until then. `insteadOf`: another that was put off, and is not wanted any more. */
  | { kind: 'later'; at: Date; reason: Reason; insteadOf?: RunId | undefined };

export interface GuardContext {
  store: GuardStore;
  now: Date;
}

/** What all guards together say: also that a person has to approve it before the guards that follow are asked. */
export type Verdict = Admission | { kind: 'approval' };

/**
 * A guard.
 * @example
 * const smallRuns: Guard = async (run) =>
 *   (run.target?.instances.length ?? 0) <= 10 ? ADMITTED : { kind: 'refused', reason };
 */
export type Guard = (run: Run, context: GuardContext) => Promise<Admission>;

export const ADMITTED: Admission = { kind: 'admitted' };

/** Nothing is sent, until then; absent: nobody knows until when. */
export interface Frozen {
  reason: Reason;
  until?: Date | undefined;
}
