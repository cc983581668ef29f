/**
 * Simulates events with the service's own decisions and guards, on a simulated clock and an in-memory store. Nothing is
 * sent or stored, and no cloud is called. A run ends a configured time after it was sent.
 */

import type { ChatPort } from '../chat/port.ts';
import { frozenBy } from '../guards/freeze.ts';
import { ADMITTED, type Admission, type Verdict } from '../guards/guard.ts';
import { admit, leave, releaseClaims, untilThawed } from '../guards/guards.ts';
import { lockInstances } from '../guards/lock.ts';
import { reserve } from '../guards/reserve.ts';
import { silent } from '../logging.ts';
import { after } from '../model/after.ts';
import { isApproved } from '../model/approval.ts';
import { refuseBlankKey } from '../model/blank-key.ts';
import type { Reason } from '../model/completion-event.ts';
import type { DoorOutcome } from '../model/decision.ts';
import { reaches } from '../model/episode.ts';
import { guardKey } from '../model/guard-key.ts';
import { instancesOf, isUnresolved, type Run, timerOf } from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import type { RuleSet, StandingSchedule } from '../rules/rule.ts';
import { chooseInstances } from '../runs/choose-instances.ts';
import { type DecideContext, decide, type Origin } from '../runs/decide.ts';
import { runOf } from '../runs/fire-here.ts';
import { followUpRequest, withNext } from '../runs/follow-up.ts';
import { newRun, planInvocations, type Splitting } from '../runs/new-run.ts';
import { inItsPlace, putOff } from '../runs/put-off.ts';
import { comesNext, firstTime, isFiredHere, timedRun, waitingUntil } from '../runs/schedule-here.ts';
import { traceChain } from '../runs/trace-chain.ts';
import { isPast, replacedBy } from '../runs/waiting.ts';
import { memoryGuardStore } from '../store/memory-guard-store.ts';
import { TOMBSTONE_MS } from '../store/tombstones.ts';
import type { Effect, RequestOf, Waited } from './effect.ts';
import { firingOf } from './firing.ts';
import { standIn } from './tagged-fleets.ts';
import { timeline } from './timeline.ts';

export interface SimulationOptions {
  ruleSet: RuleSet;
  providers: Providers<Splitting>;
  /** Which instances tagged fleets have. Absent: nobody knows, and a run on one is simulated as on one instance. */
  fleets?: FleetCache;
  start: Date;
}

/** One request of a run, and what became of it. */
export interface Happening {
  readonly request: RunRequest;
  /** Absent while it waits. */
  effect?: Effect;
}

/** The events of one delivered request. */
export interface Delivery {
  events: readonly TriggerEvent[];
  origin?: Omit<Origin, 'askedAt'>;
  /** How long the runs take that it starts. */
  takesMs: number;
  /** How they end. Default: they succeed. */
  ends?: Ending | undefined;
}

export type Ending = 'succeeded' | 'failed';
type Fate = Pick<Delivery, 'takesMs' | 'ends'>;

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

/** Longer than any run takes. */
const NEVER_MS = 365 * 86_400_000;

interface Live {
  run: Run;
  request: RequestOf<'run' | 'schedule'>;
  happening: Happening;
  fate: Fate;
  state: 'scheduled' | 'waiting' | 'running' | 'over';
  waited?: { since: Date; asked: Date; retryAfterMs: number; reason: Reason };
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
  const door: DecideContext = {
    ruleSet,
    runsQueue: {
      async send(requests) {
        asked.push(...requests);
      },
    },
    recordsQueue: { async send() {} },
    chat: NO_RUNS,
    contents: rememberedContents(),
    log: silent,
    now,
  };

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
    if (isUnresolved(one.run) && !(await resolve(one))) return;
    const { run, request, happening, waited } = one;
    const provider = request.target.provider;
    if (waited !== undefined && isPast(run, now())) {
      await releaseClaims(run, store);
      const message = `It could not be sent before its deadline ${run.deadline}: ${waited.reason.message}`;
      await end(one, { kind: 'stopped', request, at: now(), reason: { ...waited.reason, message } });
      return;
    }
    const admission = await admitAndLock(one);
    switch (admission.kind) {
      case 'admitted':
        one.state = 'running';
        happening.effect = {
          kind: 'ran',
          request,
          at: now(),
          calls: planInvocations(run.runId, instancesOf(run), providerOf(providers, provider)).length,
          ...waitOf(one, now()),
        };
        clock.plan(after(now(), one.fate.takesMs), () => end(one, one.fate.ends));
        return;
      case 'refused':
        await end(one, { kind: 'stopped', request, at: now(), reason: admission.reason });
        return;
      case 'approval':
        if (waited?.reason.code !== 'approval') waitForPerson(one);
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

  /** What asking and its end do: lib/runs/ask-approval.ts. Who may is not asked here. */
  function waitForPerson(one: Live): void {
    const { approval } = one.run;
    if (approval === undefined) return;
    const until = after(now(), approval.expiresMs);
    const withinMs = deadlineMsOf(one.run);
    one.run = { ...one.run, deadline: after(until, withinMs).toISOString() };
    const reason = { code: 'approval', message: `It waits for an approval until ${until.toISOString()}.` };
    one.waited = { since: now(), ...one.waited, reason, asked: now(), retryAfterMs: approval.expiresMs };
    clock.plan(until, async () => {
      if (one.state !== 'waiting' || isApproved(one.run)) return;
      const message = `Nobody approved it until ${until.toISOString()}. Nothing was sent.`;
      await stopFor(one, { code: 'approval.expired', message });
    });
  }

  async function stopFor(one: Live, reason: Reason): Promise<void> {
    await releaseClaims(one.run, store);
    await end(one, { kind: 'stopped', request: one.request, at: now(), reason });
  }

  async function judge(rule: string, kind: 'approved' | 'denied'): Promise<number> {
    const waiting = [...(live.get(rule) ?? [])].filter(
      ({ state, run, waited }) =>
        state === 'waiting' && !isApproved(run) && waited?.reason.code === 'approval',
    );
    for (const one of waiting) {
      const { approval } = one.run;
      if (approval === undefined) continue;
      const at = now().toISOString();
      if (kind === 'denied') {
        await stopFor(one, { code: 'approval.denied', message: 'It was denied. Nothing was sent.' });
        continue;
      }
      const deadline = after(now(), deadlineMsOf(one.run, approval.expiresMs)).toISOString();
      one.run = { ...one.run, deadline, approval: { ...approval, verdict: { kind, at } } };
      await attempt(one);
    }
    return waiting.length;
  }

  /** What dispatch does before the guards: lib/runs/choose-instances.ts. @returns whether it goes on */
  async function resolve(one: Live): Promise<boolean> {
    if (fleets === undefined) {
      one.run = standIn(one.run, now());
      return true;
    }
    const choice = await chooseInstances(one.run, { fleets, providers });
    if (choice.kind !== 'chosen') {
      await end(one, { kind: 'stopped', request: one.request, at: now(), reason: choice.reason });
      return false;
    }
    one.run = choice.run;
    const { target = one.request.target } = choice.run;
    one.request = { ...one.request, target };
    return true;
  }

  /** A run that waits for an instance has passed the other guards, and holds no instance. */
  async function admitAndLock(one: Live): Promise<Verdict> {
    const isIn = one.run.admittedAt !== undefined;
    const admission = isIn ? await unlessFrozen(one.run) : await admit(one.run, context());
    if (admission.kind !== 'admitted') return admission;
    one.run = { ...one.run, admittedAt: now().toISOString() };
    // Each run gives back at its end: no lock has to run out. A rehearsal knows no waves: all is taken for the whole time.
    const until = after(now(), NEVER_MS);
    const { runId, target } = one.run;
    const provider = providerOf(providers, target?.provider ?? one.request.target.provider);
    const whole = { ...one.run, invocations: planInvocations(runId, instancesOf(one.run), provider) };
    return await lockInstances(whole, { ...context(), until, leftBy: async () => [] });
  }

  async function unlessFrozen({ guards }: Run): Promise<Admission> {
    const frozen = await frozenBy(guards, await store.freeze(now()), now());
    return frozen === undefined ? ADMITTED : { kind: 'wait', ...untilThawed(frozen, now()) };
  }

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
    if (run.followUps === undefined) return;
    const ended: Run = {
      ...run,
      status,
      endedAt: now().toISOString(),
      invocations: [{ token: run.runId, instances: [...instancesOf(run)], state: 'sent' }],
      tasks: [],
    };
    const request = followUpRequest(withNext(ended));
    if (request !== undefined) await begin(request, { takesMs: fate.takesMs });
  }

  /** What a cancel does with those that live: lib/runs/cancel.ts. */
  async function cancel(request: RequestOf<'cancel'>): Promise<RunId[]> {
    const { targetRule, targetRunId, key, by = request.rule } = request;
    if (targetRule !== undefined) {
      const until = after(now(), TOMBSTONE_MS);
      await store.leaveTombstone({ rule: targetRule, key }, { ...request, by }, until);
    }
    const candidates = targetRule === undefined ? [...live.values()] : [live.get(targetRule) ?? []];
    const meant = candidates
      .flatMap((ofRule) => [...ofRule])
      .filter(({ run }) =>
        targetRunId === undefined
          ? (key === undefined || guardKey(run) === key) && reaches(request, run)
          : run.runId === targetRunId,
      );
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
    judge,
    freeze: (isFrozen) =>
      store.setFreeze(isFrozen ? { by: 'the rehearsal', reason: 'a rehearsal' } : undefined),
  };
}

/** How late it may be sent. */
function deadlineMsOf(run: Run, waitedMs = 0): number {
  const fromMs = Date.parse(timerOf(run)?.nextAt ?? run.requestedAt) + waitedMs;
  return timerOf(run)?.deadlineMs ?? Math.max(1, Date.parse(run.deadline) - fromMs);
}

/** Whether they have an instance in common. */
function isOnSame(a: Run, b: Run): boolean {
  const others = new Set(instancesOf(b));
  return instancesOf(a).some((instanceId) => others.has(instanceId));
}

/** Nothing is on any record: `status` and `events` find nothing. */
const NO_RUNS: ChatPort = {
  status: async () => undefined,
  toJudge: async () => undefined,
  toResume: async () => undefined,
  recent: async () => [],
  events: async () => [],
  frozenBecause: async () => undefined,
};

function rememberedContents(): DecideContext['contents'] {
  const contents = new Map<string, string>();
  return {
    async claim(runId, hash) {
      const first = contents.get(runId) ?? hash;
      contents.set(runId, first);
      return first === hash ? 'ours' : 'taken';
    },
  };
}

function waitOf({ waited }: Live, now: Date): { waited?: Waited } {
  if (waited === undefined) return {};
  return { waited: { code: waited.reason.code, ms: now.getTime() - waited.since.getTime() } };
}

function withWait(effect: Effect | undefined, one: Live, now: Date): Effect | undefined {
  return effect?.kind === 'stopped' ? { ...effect, ...waitOf(one, now) } : effect;
}
