/** The promises of docs/concepts.md, held against what a played plan has left behind. */
import { isTerminalRun, type Run, sentInvocations } from '../../../lib/model/run.ts';
import { isTerminalTask } from '../../../lib/model/status.ts';
import type { Execution } from './cloud.ts';
import type { Played } from './world.ts';

/** @returns a sentence for each promise that did not hold */
export function brokenPromises(played: Played): string[] {
  const broken = new Set<string>();
  const say = (text: string): void => {
    broken.add(text);
  };
  for (const promise of [ended, nothingLost, ranOnce, toldAll, toldTheTruth, locked, leftNothing]) {
    promise(played, say);
  }
  return [...broken];
}

type Say = (text: string) => void;

/** No run is open after its bound, and nothing of it is left to do. */
function ended({ runs, isQuiet }: Played, say: Say): void {
  for (const run of runs) {
    const { runId, rule, status, waitingFor, outbox, pollAt } = run;
    if (!isTerminalRun(run))
      say(`${rule} ${runId} is ${status} at the end, and waits for ${waitingFor?.code}`);
    else if (outbox.length > 0) say(`${rule} ${runId} has ${outbox.join(', ')} in its outbox at the end`);
    else if (pollAt !== undefined) say(`${rule} ${runId} has ended, and is to be looked at`);
  }
  if (!isQuiet) say('something is left to do after three hours');
}

/** What the door took is a run, or with the dead letters. */
function nothingLost({ accepted, runs, deadLetters }: Played, say: Say): void {
  const stored = new Set<string>(runs.map(({ runId }) => runId));
  for (const runId of accepted) {
    if (!stored.has(runId) && !deadLetters.some((body) => body.includes(runId))) say(`${runId} is lost`);
  }
  if (deadLetters.length > 0) say(`${deadLetters.length} messages are with the dead letters`);
}

/** On each instance at most once, and what ran is known, unless the run says that it does not know. */
function ranOnce({ runs, executions }: Played, say: Say): void {
  const byRun = executionsByRun(executions);
  const known = new Set<string>(runs.map(({ runId }) => runId));
  for (const runId of byRun.keys()) if (!known.has(runId)) say(`${runId} ran, and no run is stored`);
  for (const run of runs) {
    const { runId, rule, status } = run;
    if (isUnsure(run)) continue;
    const own = byRun.get(runId) ?? [];
    for (const [instanceId, several] of Map.groupBy(own, (one) => one.instanceId)) {
      const ids = [...new Set(several.map(({ invocationId }) => invocationId))];
      if (ids.length > 1) say(`${rule} ${runId} (${status}) ran as ${ids.join(' and ')} on ${instanceId}`);
    }
    const invocations = new Set(sentInvocations(run).map(({ invocationId }) => invocationId));
    for (const { invocationId } of own) {
      if (!invocations.has(invocationId))
        say(`${rule} ${runId} (${status}) does not know its ${invocationId}`);
    }
    for (const id of invocations) {
      if (!own.some(({ invocationId }) => invocationId === id)) {
        say(`${rule} ${runId} takes ${id} for its own, which is not`);
      }
    }
  }
}

/** Each fact has one id, and each end is told. */
function toldAll({ runs, told }: Played, say: Say): void {
  for (const [id, events] of Map.groupBy(told, (event) => event.id)) {
    const facts = new Set(events.map(({ type, data }) => JSON.stringify([type, data.status, data.counts])));
    if (id.endsWith('/started') || events.every(({ type }) => type === 'fleet-reflex.task.completed'))
      continue;
    if (facts.size > 1) say(`${id} is told as ${[...facts].join(' and ')}`);
  }
  const ids = new Set(told.map(({ id }) => id));
  for (const { runId, rule, status, tasks, startedAt, cancel } of runs) {
    // A cancel runs nothing, and what it stopped tells its own end.
    if (cancel !== undefined) continue;
    const ends = new Set(
      told.flatMap(({ subject, type, id }) => (subject === runId && END.has(type) ? [id] : [])),
    );
    if (ends.size !== 1) say(`${rule} ${runId} (${status}) has ${ends.size} ends: ${[...ends].join(', ')}`);
    if (startedAt !== undefined && !ids.has(`${runId}/started`))
      say(`${rule} ${runId}: its start is not told`);
    for (const { taskId, status: of } of tasks) {
      if (!ids.has(`${runId}/${taskId}/${of}`)) say(`${rule} ${runId}: ${taskId} ${of} is not told`);
    }
  }
}

const END: ReadonlySet<string> = new Set(['fleet-reflex.run.completed', 'fleet-reflex.run.rejected']);

/** What is told of a task is what became of it. */
function toldTheTruth({ runs, executions, nowMs }: Played, say: Say): void {
  const really = new Map(executions.map((one) => [`${one.invocationId}/${one.instanceId}`, one]));
  for (const { runId, rule, tasks } of runs) {
    for (const { invocationId, instanceId, status } of tasks) {
      const one = really.get(`${invocationId}/${instanceId}`);
      if (one === undefined || one.endsAtMs > nowMs || !isTerminalTask(status) || status === 'lost') continue;
      if (one.end !== status) {
        say(`${rule} ${runId}: ${invocationId} on ${instanceId} is told ${status} and was ${one.end}`);
      }
    }
  }
}

/** An instance has one run at a time, of those that lock; a wave begins when the one before has ended. */
function locked({ runs, executions }: Played, say: Say): void {
  const byRun = executionsByRun(executions);
  const locking = runs.filter((run) => run.guards.lock === true && !isUnsure(run));
  const spans = locking.flatMap(({ runId, rule }) =>
    (byRun.get(runId) ?? []).filter(hasRun).map((one) => ({ ...one, runId, rule })),
  );
  for (const one of spans) {
    for (const other of spans) {
      if (one.runId >= other.runId || one.instanceId !== other.instanceId) continue;
      const isApart = one.endsAtMs <= other.takenAtMs || other.endsAtMs <= one.takenAtMs;
      if (!isApart)
        say(`${one.rule} ${one.runId} and ${other.rule} ${other.runId} were on ${one.instanceId} together`);
    }
  }
  for (const run of runs.filter(({ waves }) => waves !== undefined)) {
    const waveOf = new Map(run.invocations.map(({ invocationId, wave = 0 }) => [invocationId, wave]));
    const own = (byRun.get(run.runId) ?? []).map((one) => ({
      ...one,
      wave: waveOf.get(one.invocationId) ?? 0,
    }));
    for (const later of own) {
      const early = own.find(({ wave, endsAtMs }) => wave < later.wave && endsAtMs > later.takenAtMs);
      if (early !== undefined)
        say(`${run.rule} ${run.runId}: wave ${later.wave} began before ${early.wave} ended`);
    }
  }
}

/** No lock is held, no place in flight, no share. */
function leftNothing({ items, nowMs }: Played, say: Say): void {
  for (const { pk, sk: _, ...item } of items) {
    const name = String(pk);
    if (name.startsWith('LOCK#')) {
      for (const [lock, value] of Object.entries(item)) {
        const [until = ''] = String(value).split(' ');
        if (Date.parse(until) > nowMs) say(`${name} still has the lock ${lock}: ${String(value)}`);
      }
    }
    if (name.startsWith('INFLIGHT#') && item['runs'] !== undefined) say(`${name} is not empty`);
    if (name.startsWith('CELL#share') && JSON.stringify(item).includes('run-')) {
      say(`${name} still has ${JSON.stringify(item)}`);
    }
  }
}

function executionsByRun(executions: readonly Execution[]): Map<string, Execution[]> {
  return Map.groupBy(executions, ({ token }) => token.replace(/-\d+$/, ''));
}

function hasRun({ end }: Execution): boolean {
  return end !== 'cancelled';
}

/** It ended `unknown`, or with tasks of which it says that they may have run: a person looks. */
function isUnsure({ status, reason }: Run): boolean {
  return status === 'unknown' && reason !== undefined;
}
