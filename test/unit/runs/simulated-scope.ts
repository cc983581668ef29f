/** A scope on simulated time: an index that shows what is written, a provider with a rate and a latency, no waiting. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Run } from '../../../lib/model/run.ts';
import { type ScopeLoopParts, tendScope } from '../../../lib/runs/scope-loop.ts';
import type { LiveRun } from '../../../lib/store/live-index.ts';
import { aRun } from '../../contract/run-store-contract.ts';

/** Epoch milliseconds; all times of a simulation count from here. */
const START_MS = Date.UTC(2026, 10, 21, 12);

interface Simulated {
  run: Run;
  at: string;
  /** When its command ends, and when a look has told it; both in milliseconds from the start. */
  endsMs: number;
  toldMs?: number;
  looks: number[];
}

interface SimulationOptions {
  /** Of one status request. */
  latencyMs?: number;
  /** Status requests a second. */
  rate?: number;
  /** How long the loop may run. */
  budgetMs?: number;
}

export function aSimulation({ latencyMs = 80, rate = 6, budgetMs = 600_000 }: SimulationOptions = {}) {
  let nowMs = 0;
  const timers: { atMs: number; done: () => void }[] = [];
  const runs = new Map<string, Simulated>();
  const counts = { index: 0, fetches: 0, requests: 0, acts: 0, writes: 0 };
  const acted: { runId: string; atMs: number }[] = [];
  let slotMs = 0;
  let isLost = false;
  let actMs = 0;
  let isDown = false;

  const iso = (ms: number) => new Date(START_MS + ms).toISOString();
  const sleep = (ms: number) =>
    new Promise<void>((done) => {
      timers.push({ atMs: nowMs + ms, done });
    });
  const write = (one: Simulated, change: Partial<Run>) => {
    counts.writes += 1;
    one.run = { ...one.run, ...change, revision: one.run.revision + 1 };
    one.at = iso(nowMs);
    return one.run;
  };
  const known = (runId: string): Simulated => {
    const one = runs.get(runId);
    if (one === undefined) throw new Error(`no run ${runId}`);
    return one;
  };

  const asSent = () => {
    const invocationId = `inv-${runs.size + 1}`;
    const invocations = [{ token: invocationId, instances: ['ins-1'], state: 'sent' as const, invocationId }];
    return { startedAt: iso(nowMs), pollAt: iso(nowMs), invocations };
  };

  const parts: ScopeLoopParts = {
    now: () => new Date(START_MS + nowMs),
    sleep,
    endsAtMs: START_MS + budgetMs,
    keepLease: async () => !isLost,
    flush: async () => {},
    async live(after) {
      counts.index += 1;
      return [...runs.values()]
        .filter(({ at, run }) => run.pollAt !== undefined && (after === undefined || at > after))
        .sort((a, b) => (a.at < b.at ? -1 : 1))
        .map(
          ({ at, run: { runId, rule, revision, status, pollAt = '' } }): LiveRun => ({
            runId,
            rule,
            revision,
            status,
            pollAt,
            at,
          }),
        );
    },
    async getMany(ids) {
      counts.fetches += 1;
      return ids.map((id) => known(id).run);
    },
    async look(watched) {
      counts.requests += 1;
      // The rate limiter lets requests go one after the other.
      slotMs = Math.max(slotMs + 1000 / rate, nowMs);
      await sleep(slotMs - nowMs + latencyMs);
      return watched.map(({ runId }) => {
        const one = known(runId);
        one.looks.push(nowMs);
        if (isDown) return { run: one.run, hasFailed: true };
        if (one.endsMs > nowMs) return { run: one.run, hasFailed: false };
        one.toldMs ??= nowMs;
        return { run: write(one, { status: 'succeeded', pollAt: undefined }), hasFailed: false };
      });
    },
    async act({ runId }) {
      counts.acts += 1;
      acted.push({ runId, atMs: nowMs });
      await sleep(actMs);
      return write(known(runId), { status: 'expired', pollAt: undefined });
    },
  };

  /** Lets the time run until it is over. */
  async function run<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    for (;;) {
      await turn();
      if (isDone) return await finished;
      timers.sort((a, b) => a.atMs - b.atMs);
      const next = timers.shift();
      if (next === undefined) throw new Error('it waits for nothing');
      nowMs = Math.max(nowMs, next.atMs);
      next.done();
    }
  }

  return {
    counts,
    acted,
    runs,
    nowMs: () => nowMs,
    at: async (ms: number, work: () => void) => {
      await sleep(ms - nowMs);
      work();
    },
    /** One that was sent, and whose command ends at that time. */
    sent(endsMs: number, given: Parameters<typeof aRun>[0] = {}): string {
      const one = aRun({ status: 'running', ...asSent(), ...given });
      runs.set(one.runId, { run: one, at: iso(nowMs), endsMs, looks: [] });
      return one.runId;
    },
    /** One that nobody has sent, and that has to be seen to at that time. */
    waits(untilMs: number, given: Parameters<typeof aRun>[0] = {}): string {
      const one = aRun({ status: 'dispatching', invocations: [], ...given, pollAt: iso(untilMs) });
      runs.set(one.runId, { run: one, at: iso(nowMs), endsMs: Infinity, looks: [] });
      return one.runId;
    },
    asSent,
    change: (runId: string, edit: Partial<Run>) => write(known(runId), edit),
    takeOver: () => {
      isLost = true;
    },
    providerIsDown: (isSo: boolean) => {
      isDown = isSo;
    },
    actsTake: (ms: number) => {
      actMs = ms;
    },
    tend: async () => {
      const next = await run(tendScope(parts));
      return next === undefined ? undefined : next - START_MS;
    },
    /** From the end of each command to its being told, sorted. */
    lags: () =>
      [...runs.values()]
        .filter(({ endsMs }) => endsMs < Infinity)
        .map(({ toldMs = Infinity, endsMs }) => toldMs - endsMs)
        .sort((a, b) => a - b),
  };
}
