/** The chat's view of runs, events and freezes: a port, so that it needs no table. */
import type { Reason, RunStatus } from '../model/completion-event.ts';
import type { EventRecord } from '../model/decision.ts';
import type { Run } from '../model/run.ts';
import type { TaskStatus } from '../model/status.ts';

/** A run as a chat shows it. */
export interface ChatRun {
  runId: string;
  rule: string;
  status: RunStatus;
  reason?: Reason | undefined;
  /** While it is not sent yet: what it waits for. */
  waitingFor?: Reason | undefined;
  /** Who asked for it: `slack/U1 (ann)`. Absent for a system. */
  by?: string | undefined;
  instances: readonly string[];
  /** Of a run in waves, from 1 on. */
  wave?: { number: number; of: number } | undefined;
  counts: Readonly<Partial<Record<TaskStatus, number>>>;
  /** Empty in lists. */
  tasks: readonly { instanceId: string; status: TaskStatus; exitCode?: number | undefined }[];
  /** ISO 8601. */
  requestedAt: string;
  endedAt?: string | undefined;
}

/** What decides who may approve a run, and whether it waits for that. */
export type ToJudge = Pick<Run, 'rule' | 'trigger' | 'resumes' | 'approval' | 'status' | 'cancelRequestedAt'>;

/** A run, and the one that resumed it. */
export interface ToResume {
  run: Run;
  resumed?: Run | undefined;
}

/** Used only by lib/chat/person.ts, which filters by permission. Read-only: actions go onto the runs queue. */
export interface ChatPort {
  status(runId: string): Promise<ChatRun | undefined>;
  toJudge(runId: string): Promise<ToJudge | undefined>;
  toResume(runId: string): Promise<ToResume | undefined>;
  /** The newest runs of these rules, newest first. */
  recent(rules: readonly string[], limit: number): Promise<readonly ChatRun[]>;
  /** What was decided about events, newest first. */
  events(limit: number): Promise<readonly EventRecord[]>;
  /** Why nothing is sent at this moment. */
  frozenBecause(now: Date): Promise<string | undefined>;
}
