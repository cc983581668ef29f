/** The chat's port on the stores. */
import { countByStatus } from '../completions/publish.ts';
import { frozenBecause } from '../guards/freeze.ts';
import { describeActor } from '../model/actor.ts';
import { isCutShort, resumedAs } from '../model/resume.ts';
import type { RunTask } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { type RunSummary, summariseRun } from '../model/run-summary.ts';
import type { EventLog } from '../store/event-log.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { RunStore } from '../store/run-store.ts';
import type { ChatPort, ChatRun } from './port.ts';

export interface ChatStores {
  store: Pick<RunStore, 'get' | 'list'>;
  events: Pick<EventLog, 'list'>;
  guards: Pick<GuardStore, 'freeze'>;
}

export function storePort({ store, events, guards }: ChatStores): ChatPort {
  return {
    async status(runId) {
      const id = RunId.safeParse(runId).data;
      const run = id === undefined ? undefined : await store.get(id);
      return run && toChatRun(summariseRun(run), run.tasks);
    },
    async toJudge(runId) {
      const id = RunId.safeParse(runId).data;
      return id === undefined ? undefined : await store.get(id);
    },
    async toResume(runId) {
      const id = RunId.safeParse(runId).data;
      const run = id === undefined ? undefined : await store.get(id);
      return run && { run, resumed: isCutShort(run) ? await store.get(resumedAs(run)) : undefined };
    },
    async recent(rules, limit) {
      const pages = await Promise.all(rules.map((rule) => store.list({ limit, rule })));
      const newest = pages
        .flatMap(({ runs }) => runs)
        // What was cancelled says so itself.
        .filter(({ cancel }) => cancel === undefined)
        .toSorted((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1))
        .slice(0, limit);
      return newest.map((run) => toChatRun(run, []));
    },
    events: async (limit) => (await events.list({ limit })).events,
    frozenBecause: async (now) => (await frozenBecause(guards, now))?.message,
  };
}

function toChatRun(run: RunSummary, tasks: readonly RunTask[]): ChatRun {
  return {
    runId: run.runId,
    rule: run.rule,
    status: run.status,
    reason: run.reason,
    waitingFor: run.waitingFor,
    by: run.trigger.actor && describeActor(run.trigger.actor),
    instances: run.instances,
    wave: run.wave,
    counts: countByStatus(tasks),
    tasks: tasks.map(({ instanceId, status, exitCode }) => ({ instanceId, status, exitCode })),
    requestedAt: run.requestedAt,
    endedAt: run.endedAt,
  };
}
