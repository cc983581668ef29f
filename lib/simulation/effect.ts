/** What became of one run request in a simulation. */
import type { Reason } from '../model/completion-event.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';

export type RequestOf<Action extends RunRequest['action']> = Extract<RunRequest, { action: Action }>;

export interface Waited {
  /** What it waited for first: `guard.in-flight`. */
  code: string;
  ms: number;
}

export type Effect =
  /** It was sent at that time, in so many calls of InvokeCommand. */
  | { kind: 'ran'; request: RequestOf<'run' | 'schedule'>; at: Date; calls: number; waited?: Waited }
  /** Nothing was sent. `at`: when that was known; a run may wait before it is given up. */
  | { kind: 'stopped'; request: RunRequest; at: Date; reason: Reason; waited?: Waited }
  /** So many runs of the rule that it names were live, and were for it. */
  | { kind: 'cancelled'; request: RequestOf<'cancel'>; at: Date; stopped: readonly RunId[] }
  /** The guards let it wait for its time. */
  | { kind: 'scheduled'; request: RequestOf<'schedule'>; at: Date; first: Date }
  /** Its run is known already: the same delivery came again. */
  | { kind: 'repeated'; request: RunRequest; at: Date };
