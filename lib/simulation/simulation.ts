/**
 * Simulates events with the service's own decisions and guards, on a simulated clock and an in-memory store. Nothing is
 * sent or stored, and no cloud is called. A run ends a configured time after it was sent.
 */

import { leave, releaseClaims } from '../guards/guards.ts';
import { reserve } from '../guards/reserve.ts';
import { silent } from '../logging.ts';
import { after } from '../model/after.ts';
import { refuseBlankKey } from '../model/blank-key.ts';
import type { Reason } from '../model/completion-event.ts';
import type { DoorOutcome } from '../model/decision.ts';
import { isUnresolved, type Run } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import type { RuleSet, StandingSchedule } from '../rules/rule.ts';
import { decide } from '../runs/decide.ts';
import { runOf } from '../runs/fire-here.ts';
import { newRun, type Splitting } from '../runs/new-run.ts';
import { inItsPlace, putOff } from '../runs/put-off.ts';
import { comesNext, firstTime, isFiredHere, timedRun, waitingUntil } from '../runs/schedule-here.ts';
import { traceChain } from '../runs/trace-chain.ts';
import { isPast, replacedBy } from '../runs/waiting.ts';
import { memoryGuardStore } from '../store/memory-guard-store.ts';
import { TOMBSTONE_MS } from '../store/tombstones.ts';
import { admitAndLock, resolveFleet } from './admission.ts';
import { callsOf } from './calls.ts';
import { simulatedDoor } from './door.ts';
import type { Effect, RequestOf } from './effect.ts';
import { firingOf } from './firing.ts';
import {
  type Delivery,
  type Ending,
  type Fate,
  type Happening,
  isOnSame,
  type Live,
  waitOf,
  withWait,
} from './happening.ts';
import { judge, type Persons, waitForPerson } from './persons.ts';
import { isMeant, nextRequest } from './run-ends.ts';
import { timeline } from './timeline.ts';

export interface SimulationOptions {
  ruleSet: RuleSet;
  providers: Providers<Splitting>;
  /** Which instances tagged fleets have. Absent: nobody knows, and a run on one is simulated as on one instance. */
  fleets?: FleetCache;
  start: Date;
}

export interface Simulation {
  now(): Date;
  /** What was asked for so far, in order; what a schedule fires stands where it fired. */
  readonly happened: readonly Happening[];
  /** Delivers a request now. */
  deliver(delivery: Delivery): Promise<DoorOutcome[]>;
  /** The cloud fires this standing schedule now. */
  fire(schedule: StandingSchedule, fate: Pick<Delivery, 'takesMs' | 'ends'>): Promise<void>;
  /** Lets time go by until then. */
  advance(to: Date): Promise<void>;
  /** Lets time go by until nothing waits for other runs any more. Schedules do not fire on their own then. */
  settle(): Promise<void>;
  /** A second person approves or denies the runs of a rule that wait for it. @returns how many did */
  judge(rule: string, kind: 'approved' | 'denied'): Promise<number>;
  /** Sets the kill switch, or lifts it. */
  freeze(isFrozen: boolean): Promise<void>;
}

export function simulation({ ruleSet, providers, fleets, start }: SimulationOptions): Simulation {
  const clock = timeline(start);
  const { now } = clock;
  const store = memoryGuardStore();
  const context = () => ({ store, now: now() });
  const happened: Happening[] = [];
  const known = new Map<RunId, Run | undefined>();
  /** By rule, those that are not over. */
  const live = new Map<string, Set<Live>>();
  let asked: RunRequest[] = [];
  const door = simulatedDoor(ruleSet, now, (requests) => asked.push(...requests));

  async function begin(runRequest: RunRequest, fate: Fate): Promise<void> {
    const happening: Happening = { request: runRequest };
    happened.push(happening);
    if (known.has(runRequest.runId)) {
      happening.effect = { kind: 'repeated', request: runRequest, at: now() };
      return;
    }
    known.set(runRequest.runId, undefined);
    const traced = refuseBlankKey(
      await traceChain(runRequest, { store: { get: async (id) => known.get(id) }, log: silent }),
    );
    switch (traced.action) {
      case 'reject':
        happening.effect = { kind: 'stopped', request: runRequest, at: now(), reason: traced.reason };
        return;
      case 'judge':
        return;
      case 'cancel':
        happening.effect = { kind: 'cancelled', request: traced, at: now(), stopped: await cancel(traced) };
        return;
      case 'run': {
        const run = newRun(traced, providerOf(providers, traced.target.provider), now());
        await attempt(enlist({ run, request: traced, happening, fate, state: 'waiting' }));
        return;
      }
      case 'schedule':
        await schedule(traced, happening, fate);
        return;
    }
  }

  function enlist(one: Live): Live {
    known.set(one.run.runId, one.run);
    const ofRule = live.get(one.run.rule) ?? new Set<Live>();
    live.set(one.run.rule, ofRule.add(one));
    return one;
  }

  /** What dispatch does with a run until it is sent: lib/runs/dispatch.ts. */
  async function attempt(one: Live): Promise<void> {
    if (isUnresolved(one.run)) {
      const refusal = await resolveFleet(one, parts);
      const { request } = one;
      if (refusal !== undefined)
        return await end(one, { kind: 'stopped', request, at: now(), reason: refusal });
    }
    const { run, request, happening, waited } = one;
    const provider = request.target.provider;
    if (waited !== undefined && isPast(run, now())) {
      await releaseClaims(run, store);
      const message = `It could not be sent before its deadline ${run.deadline}: ${waited.reason.message}`;
      await end(one, { kind: 'stopped', request, at: now(), reason: { ...waited.reason, message } });
      return;
    }
    const admission = await admitAndLock(one, parts);
    switch (admission.kind) {
      case 'admitted':
        one.state = 'running';
        happening.effect = {
          kind: 'ran',
          request,
          at: now(),
          calls: callsOf(run, providerOf(providers, provider), one.fate.ends),
          ...waitOf(one, now()),
        };
        clock.plan(after(now(), one.fate.takesMs), () => end(one, one.fate.ends));
        return;
      case 'refused':
        await end(one, { kind: 'stopped', request, at: now(), reason: admission.reason });
        return;
      case 'approval':
        if (waited?.reason.code !== 'approval') waitForPerson(one, persons);
        return;
      case 'later': {
        const { at, reason, insteadOf } = admission;
        one.run = putOff(run, admission);
        one.waited = {
          since: now(),
          ...waited,
          reason,
          asked: now(),
          retryAfterMs: at.getTime() - now().getTime(),
        };
        for (const due of [at, new Date(one.run.deadline)]) clock.plan(due, () => again(one));
        for (const other of live.get(run.rule) ?? []) {
          if (other.run.runId !== insteadOf || other.run.waitingFor?.code !== reason.code) continue;
          await releaseClaims(other.run, store);
          const because = { code: reason.code, message: inItsPlace(run) };
          await end(other, { kind: 'stopped', request: other.request, at: now(), reason: because });
        }
        return;
      }
      case 'wait': {
        const { retryAfterMs, reason, replaces = [] } = admission;
        if (waited === undefined) clock.plan(new Date(run.deadline), () => again(one));
        one.waited = { since: now(), ...waited, reason, asked: now(), retryAfterMs };
        // The end of another run is no end of a freeze.
        if (reason.code === 'guard.freeze') clock.plan(after(now(), retryAfterMs), () => again(one));
        for (const other of live.get(run.rule) ?? []) {
          if (replaces.includes(other.run.runId)) await stop(other, replacedBy(run));
        }
        return;
      }
    }
  }

  async function stopFor(one: Live, reason: Reason): Promise<void> {
    await releaseClaims(one.run, store);
    await end(one, { kind: 'stopped', request: one.request, at: now(), reason });
  }

  const parts = { store, now, providers, fleets };
  const persons: Persons = { clock, live, attempt, stopFor };

  async function again(one: Live): Promise<void> {
    if (one.state === 'waiting') await attempt(one);
  }

  /** Its place is free: those that wait ask again, each at its own next time. */
  async function end(one: Live, how: Ending | 'stopped' | Effect = 'succeeded'): Promise<void> {
    if (one.state === 'over') return;
    one.state = 'over';
    const status = typeof how === 'string' ? how : 'rejected';
    const ended = typeof how === 'string' ? undefined : withWait(how, one, now());
    if (ended !== undefined) one.happening.effect = ended;
    const ofRule = live.get(one.run.rule);
    ofRule?.delete(one);
    await leave({ ...one.run, status, endedAt: now().toISOString() }, store);
    if (how === 'succeeded' || how === 'failed') await follow(one, how);
    const hasShare = one.run.guards.maxShare !== undefined;
    for (const other of [...live.values()].flatMap((some) => [...some])) {
      if (other.state !== 'waiting' || other.waited === undefined) continue;
      if (!hasShare && other.run.rule !== one.run.rule && !isOnSame(other.run, one.run)) continue;
      const { asked: last, retryAfterMs } = other.waited;
      const tries = Math.max(1, Math.ceil((now().getTime() - last.getTime()) / retryAfterMs));
      clock.plan(after(last, tries * retryAfterMs), () => again(other));
    }
  }

  /** What follows an end of a run that was sent: lib/runs/follow-up.ts. It takes as long, and ends well. */
  async function follow({ run, fate }: Live, status: Ending): Promise<void> {
    const request = nextRequest(run, status, now());
    if (request !== undefined) await begin(request, { takesMs: fate.takesMs });
  }

  /** What a cancel does with those that live: lib/runs/cancel.ts. */
  async function cancel(request: RequestOf<'cancel'>): Promise<RunId[]> {
    const { targetRule, key, by = request.rule } = request;
    if (targetRule !== undefined) {
      const until = after(now(), TOMBSTONE_MS);
      await store.leaveTombstone({ rule: targetRule, key }, { ...request, by }, until);
    }
    const candidates = targetRule === undefined ? [...live.values()] : [live.get(targetRule) ?? []];
    const meant = candidates.flatMap((ofRule) => [...ofRule]).filter(({ run }) => isMeant(request, run));
    for (const one of meant) await stop(one, by);
    return meant.map(({ run }) => run.runId);
  }

  async function stop(one: Live, by: string): Promise<void> {
    if (one.state === 'running') return await end(one, 'stopped');
    await releaseClaims(one.run, store);
    const reason = { code: 'run.cancelled', message: `It was cancelled by ${by} before it was sent.` };
    await end(one, { kind: 'stopped', request: one.request, at: now(), reason });
  }

  /** What a schedule that we fire does: lib/runs/schedule-here.ts, and fire-here.ts at its time. */
  async function schedule(request: RequestOf<'schedule'>, happening: Happening, fate: Fate) {
    if (!isFiredHere(request)) return;
    const run = timedRun(request, { providers, now, leaseMs: 0 });
    const first = await firstTime(run, now());
    const refuse = (reason: Reason) => {
      happening.effect = { kind: 'stopped', request, at: now(), reason };
    };
    if (!first.ok) return refuse(first.reason);
    const until = request.at === undefined ? undefined : new Date(waitingUntil(run, first.at).deadline);
    const admission = await reserve(run, { at: first.at, until }, context());
    if (admission.kind === 'refused') return refuse(admission.reason);
    happening.effect = { kind: 'scheduled', request, at: now(), first: first.at };
    const one = enlist({ run, request, happening, fate, state: 'scheduled' });
    clock.plan(first.at, () => fire(one, first.at));
  }

  async function fire(one: Live, at: Date): Promise<void> {
    if (one.state !== 'scheduled') return;
    const happening: Happening = { request: one.request };
    happened.push(happening);
    if (one.run.schedule?.recurrence === undefined) {
      live.get(one.run.rule)?.delete(one);
      one.state = 'over';
      return await attempt(enlist({ ...one, run: waitingUntil(one.run, at), happening, state: 'waiting' }));
    }
    const next = await comesNext(one.run, now());
    if (next.ok) clock.plan(next.at, () => fire(one, next.at));
    await attempt(enlist({ ...one, run: runOf(one.run, at), happening, state: 'waiting' }));
  }

  return {
    now,
    happened,
    async deliver({ events, origin = {}, ...fate }) {
      asked = [];
      const outcomes = await decide(events, { ...origin, askedAt: now() }, door);
      // In the order of the queue, which is that of the request.
      for (const request of asked) await begin(request, fate);
      return outcomes;
    },
    fire: (schedule, fate) => begin(firingOf(schedule, now()), fate),
    advance: (to) => clock.advance(to),
    async settle() {
      for (const waiting of [...live.values()].flatMap((ofRule) => [...ofRule])) {
        if (waiting.state === 'waiting') await clock.advance(new Date(waiting.run.deadline));
      }
    },
    judge: (rule, kind) => judge(rule, kind, persons),
    freeze: (isFrozen) =>
      store.setFreeze(isFrozen ? { by: 'the rehearsal', reason: 'a rehearsal' } : undefined),
  };
}
