/** What a guard is: it is asked about one run, and answers with a value. */
import type { Reason } from '../model/completion-event.ts';
import type { Run } from '../model/run.ts';
import type { GuardStore } from '../store/guard-store.ts';

export type Admission =
  | { kind: 'admitted' }
  /** For good: the run ends with this reason. */
  | { kind: 'refused'; reason: Reason }
  /** Not now: ask again after that time; the run's deadline still counts. */
  | { kind: 'wait'; retryAfterMs: number; reason: Reason };

export interface GuardContext {
  store: GuardStore;
  now: Date;
}

export type Guard = (run: Run, context: GuardContext) => Promise<Admission>;

export const ADMITTED: Admission = { kind: 'admitted' };
