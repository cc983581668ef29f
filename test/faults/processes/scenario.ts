/** What is played in a case: rules, a fleet, what senders and people do, and what must be true in the end. */
import type { CompletionEvent, RunStatus } from '../../../lib/model/completion-event.ts';
import type { Run } from '../../../lib/model/run.ts';
import type { FunctionName } from './messages.ts';

/** What somebody does; again until it is answered well. */
export interface Deed {
  /** It is waited for; absent: at once. */
  when?: (seen: Seen) => boolean;
  /** It is left out if this is so when its turn comes. */
  unless?: (seen: Seen) => boolean;
  /** An HTTP event of `webhook` or `runs`, made when it is sent: signatures have a time. */
  call?: (seen: Seen) => { name: FunctionName; event: unknown };
  /** A message on the queue `events`. */
  message?: (seen: Seen) => { body: string; source: string };
}

/** What is known at one moment. */
export interface Seen {
  runs: readonly Run[];
  written: readonly string[];
  events: readonly CompletionEvent[];
  /** How long the case has run, by its clock. */
  elapsedMs: number;
}

export interface Scenario {
  name: string;
  rules: string;
  fleet: string;
  /** One after the other; for each case anew. */
  deeds: () => readonly Deed[];
  /** Lines that commands must have written: once each, and nothing else. Where any number of them is right: a check. */
  written: readonly string[] | ((seen: Seen) => string[]);
  /** How many runs there are, and how each must have ended, if not as `mayEndAs`. @returns what is wrong */
  check: (seen: Seen) => string[];
  /**
   * How a run may end after a death beside what `check` expects, where a decision page says so. It says why, and its lines
   * may be missing then. `unknown` is wrong everywhere else.
   */
  mayEndAs?: { status: RunStatus; reason: string };
  /** Standing schedules go on for ever; it is over when this is so, and nothing else is at work. */
  isOver?: (seen: Seen) => boolean;
}
