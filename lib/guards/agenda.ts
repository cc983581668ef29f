/**
 * The agenda of a rule: its scheduled runs. A scheduled run does not claim its window from now on, because that would stop
 * runs before it; it reserves a place at its time, and runs too near that time are refused.
 */
import type { Reason } from '../model/completion-event.ts';
import { HOUR_MS, type HourlyLimits, whyNoRoom } from '../model/hourly-count.ts';
import type { Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { Agenda, Appointment, GuardStore } from '../store/guard-store.ts';

/** More scheduled runs are a mistake; and an agenda is one item. */
const MAX_WAITING = 100;

type Guarded = Pick<Run, 'guards'>;

/**
 * Reserves the run's place unless one of its guards forbids it; concurrent calls are ordered. Safe to call again.
 * @returns why not
 */
export async function take(
  rule: string,
  appointment: Appointment,
  run: Guarded,
  store: GuardStore,
  now: Date,
): Promise<Reason | undefined> {
  for (;;) {
    const agenda = await store.agenda(rule);
    const others = agenda.appointments.filter(
      (other) => other.runId !== appointment.runId && !isOver(other, now),
    );
    const conflict = conflictOf(appointment, others, run);
    if (conflict !== undefined) return conflict;
    const next: Agenda = { ...agenda, appointments: [...others, appointment] };
    if (await store.saveAgenda(rule, next)) return undefined;
  }
}

/** Gives the run's place back. Safe to call again. */
export async function strike(rule: string, runId: RunId, store: GuardStore): Promise<void> {
  for (;;) {
    const agenda = await store.agenda(rule);
    const others = agenda.appointments.filter((other) => other.runId !== runId);
    if (others.length === agenda.appointments.length) return;
    if (await store.saveAgenda(rule, { ...agenda, appointments: others })) return;
  }
}

/** A place that was not given back because its process died. */
function isOver({ until }: Appointment, now: Date): boolean {
  return until !== undefined && new Date(until) <= now;
}

function conflictOf(
  appointment: Appointment,
  others: readonly Appointment[],
  { guards: { dedupe, cooldownMs, maxPerHour } }: Guarded,
): Reason | undefined {
  const { at, key } = appointment;
  const isWithin = (ms: number | undefined) => (other: Appointment) =>
    ms !== undefined && other.key === key && Math.abs(Date.parse(other.at) - Date.parse(at)) < ms;
  const double = others.find(isWithin(dedupe?.windowMs));
  if (double !== undefined) {
    return {
      code: 'guard.dedupe',
      message: `The run ${double.runId} waits for ${double.at} with the same key ${JSON.stringify(key)}, in one window with ${at}.`,
    };
  }
  const near = others.find(isWithin(cooldownMs));
  if (near !== undefined) {
    return {
      code: 'guard.cooldown',
      message: `The run ${near.runId} of the rule waits for ${near.at}, and ${at} is within its cooldown.`,
      advice: 'Choose a time further from it, or cancel that one first.',
    };
  }
  if (maxPerHour !== undefined && isFullHour(appointment, others, maxPerHour)) {
    return {
      code: 'guard.max-per-hour',
      message: `So many runs of the rule wait for the hour about ${at} that this one is over its limit (maxPerHour).`,
      advice: 'Choose another time, or cancel those that are not meant.',
    };
  }
  if (others.length < MAX_WAITING) return undefined;
  return {
    code: 'guard.max-waiting',
    message: `${others.length} runs of the rule wait for their time already; a rule may have ${MAX_WAITING}.`,
    advice: '`fleet-reflex schedules` lists them; cancel those that are not meant.',
  };
}

/** Whether there is an hour with this one in it that would have too many. */
function isFullHour(
  { at, instances }: Appointment,
  others: readonly Appointment[],
  limits: HourlyLimits,
): boolean {
  const time = Date.parse(at);
  const begun = others.map((other) => ({ at: Date.parse(other.at), instances: other.instances }));
  const ends = [time, ...begun.map((other) => other.at).filter((end) => end > time && end < time + HOUR_MS)];
  return ends.some((end) => {
    const inHour = begun.filter((other) => other.at > end - HOUR_MS && other.at <= end);
    return whyNoRoom(inHour, instances, limits) !== undefined;
  });
}
