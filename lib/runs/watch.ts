/**
 * A loop's in-memory set of the runs at a provider, and the order in which it polls them: all of them about once a second, a
 * hundred invocations at a time. If the provider's rate does not allow that, runs past their time-out come first, then those
 * that were polled longest ago. Pure; the clock is handed in.
 */
import type { Run } from '../model/run.ts';
import { lastSentAt, openInvocations } from '../model/run-waves.ts';

export interface LookTiming {
  /** Between two looks at a run. */
  everyMs: number;
  /** The longest wait for one that could not be read: the wait doubles with each failure. */
  maxMs: number;
  /** Invocations of one look: what one status request covers. */
  atOnce: number;
}

export const LOOK_TIMING: LookTiming = { everyMs: 1_250, maxMs: 60_000, atOnce: 100 };

interface Watched {
  run: Run;
  /** When the last look at it began; a run that is new has had none. */
  lookedAtMs: number;
  /** Looks that failed since the last good one. */
  failures: number;
  isUnderWay: boolean;
}

export interface Watch {
  /** Of runs; those under way are among them. */
  readonly size: number;
  get(runId: string): Run | undefined;
  /** Holds a run, or its newer state. */
  set(run: Run): void;
  delete(runId: string): void;
  /** The runs of the next look, which begins now; none when no look is due. */
  take(nowMs: number): Run[];
  /** The look at it is over; `hasFailed` when the provider could not say how it is. */
  looked(runId: string, hasFailed: boolean): void;
  /** When the next look is due; undefined while there is nothing to look at. */
  nextAtMs(): number | undefined;
}

export function createWatch({ everyMs, maxMs, atOnce }: LookTiming = LOOK_TIMING): Watch {
  const all = new Map<string, Watched>();

  const dueAtMs = ({ run, lookedAtMs, failures }: Watched): number => {
    const regular = lookedAtMs + Math.min(maxMs, everyMs * 2 ** Math.min(failures, 10));
    const timeOutMs = timeOutOf(run) + everyMs;
    // Just after the time-out the provider has the result: a wait does not go past it.
    return timeOutMs > lookedAtMs && timeOutMs < regular ? timeOutMs : regular;
  };
  const resting = () => [...all.values()].filter(({ isUnderWay }) => !isUnderWay);

  return {
    get size() {
      return all.size;
    },
    get: (runId) => all.get(runId)?.run,
    set(run) {
      const known = all.get(run.runId);
      if (known !== undefined) known.run = run;
      else all.set(run.runId, { run, lookedAtMs: -Infinity, failures: 0, isUnderWay: false });
    },
    delete(runId) {
      all.delete(runId);
    },
    take(nowMs) {
      const known = resting();
      if (!known.some((one) => dueAtMs(one) <= nowMs)) return [];
      // Those that would be due within half a period come along: one request covers them too.
      const wanted = known
        .filter((one) => dueAtMs(one) <= nowMs + everyMs / 2)
        .toSorted((a, b) => rankOf(a, nowMs) - rankOf(b, nowMs) || a.lookedAtMs - b.lookedAtMs);
      let places = atOnce;
      const look: Run[] = [];
      for (const one of wanted) {
        places -= openInvocations(one.run).length;
        if (places < 0 && look.length > 0) break;
        look.push(one.run);
        one.lookedAtMs = nowMs;
        one.isUnderWay = true;
      }
      return look;
    },
    looked(runId, hasFailed) {
      const one = all.get(runId);
      if (one === undefined) return;
      one.isUnderWay = false;
      one.failures = hasFailed ? one.failures + 1 : 0;
    },
    nextAtMs() {
      const due = resting().map(dueAtMs);
      return due.length === 0 ? undefined : due.reduce((a, b) => Math.min(a, b));
    },
  };
}

/** First whose time-out has passed since the last look at them: they have ended by now. */
function rankOf({ run, lookedAtMs }: Watched, nowMs: number): number {
  const timeOutMs = timeOutOf(run);
  return timeOutMs <= nowMs && lookedAtMs <= timeOutMs ? 0 : 1;
}

function timeOutOf(run: Run): number {
  const sentAt = lastSentAt(run);
  const seconds = run.target?.timeoutSeconds;
  return sentAt === undefined || seconds === undefined ? Infinity : Date.parse(sentAt) + seconds * 1000;
}
