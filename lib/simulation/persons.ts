/** Runs of a simulation that wait for a second person: lib/runs/ask-approval.ts. Who may approve is not asked here. */
import { after } from '../model/after.ts';
import { isApproved } from '../model/approval.ts';
import type { Reason } from '../model/completion-event.ts';
import { type Run, timerOf } from '../model/run.ts';
import type { Live } from './happening.ts';
import type { Timeline } from './timeline.ts';

export interface Persons {
  clock: Timeline;
  /** By rule. */
  live: ReadonlyMap<string, ReadonlySet<Live>>;
  /** Goes on with a run that was approved. */
  attempt(one: Live): Promise<void>;
  stopFor(one: Live, reason: Reason): Promise<void>;
}

/** What asking and its end do. */
export function waitForPerson(one: Live, { clock, stopFor }: Persons): void {
  const { approval } = one.run;
  if (approval === undefined) return;
  const now = clock.now();
  const until = after(now, approval.expiresMs);
  const withinMs = deadlineMsOf(one.run);
  one.run = { ...one.run, deadline: after(until, withinMs).toISOString() };
  const reason = { code: 'approval', message: `It waits for an approval until ${until.toISOString()}.` };
  one.waited = { since: now, ...one.waited, reason, asked: now, retryAfterMs: approval.expiresMs };
  clock.plan(until, async () => {
    if (one.state !== 'waiting' || isApproved(one.run)) return;
    const message = `Nobody approved it until ${until.toISOString()}. Nothing was sent.`;
    await stopFor(one, { code: 'approval.expired', message });
  });
}

/** A second person approves or denies the runs of a rule that wait for it. @returns how many did */
export async function judge(
  rule: string,
  kind: 'approved' | 'denied',
  { clock, live, attempt, stopFor }: Persons,
): Promise<number> {
  const waiting = [...(live.get(rule) ?? [])].filter(
    ({ state, run, waited }) => state === 'waiting' && !isApproved(run) && waited?.reason.code === 'approval',
  );
  for (const one of waiting) {
    const { approval } = one.run;
    if (approval === undefined) continue;
    const at = clock.now().toISOString();
    if (kind === 'denied') {
      await stopFor(one, { code: 'approval.denied', message: 'It was denied. Nothing was sent.' });
      continue;
    }
    const deadline = after(clock.now(), deadlineMsOf(one.run, approval.expiresMs)).toISOString();
    one.run = { ...one.run, deadline, approval: { ...approval, verdict: { kind, at } } };
    await attempt(one);
  }
  return waiting.length;
}

/** How late it may be sent. */
function deadlineMsOf(run: Run, waitedMs = 0): number {
  const fromMs = Date.parse(timerOf(run)?.nextAt ?? run.requestedAt) + waitedMs;
  return timerOf(run)?.deadlineMs ?? Math.max(1, Date.parse(run.deadline) - fromMs);
}
