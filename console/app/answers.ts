/** What the API answers, as far as the console shows it. The types are those of the functions; nothing of them is packed. */
import type { ApprovalView } from '../../lib/model/approval-view.ts';
import type { CompletedTask, Reason } from '../../lib/model/completion-event.ts';
import type { EventRecord } from '../../lib/model/decision.ts';
import type { RunSummary } from '../../lib/model/run-summary.ts';
import type { describeRun } from '../../lib/runs/run-view.ts';

export type { ApprovalView, CompletedTask, Reason, RunSummary };

/** As it comes over HTTP: the times are texts. */
export type RunDetail = ReturnType<typeof describeRun>;

export interface RunPage {
  runs: RunSummary[];
  cursor?: string;
}

export type Decision = Omit<EventRecord, 'version' | 'action' | 'event'>;

export interface EventPage {
  events: Decision[];
  cursor?: string;
}

export interface Freeze {
  isFrozen: boolean;
  by?: string;
  onBehalfOf?: string;
  reason?: string;
  until?: string;
}
