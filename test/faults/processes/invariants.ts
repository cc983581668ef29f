/** What must be true when a case is over, whatever died in it: on the commands' own words, the table, the queues, the events. */
import type { CompletionEvent } from '../../../lib/model/completion-event.ts';
import { isTerminalRun, type Run } from '../../../lib/model/run.ts';
import { readyBodies, survey } from './queues.ts';
import type { Scenario, Seen } from './scenario.ts';
import type { World } from './world.ts';

/** @returns what is wrong, in sentences; nothing where all holds */
export async function broken(scenario: Scenario, seen: Seen, world: World): Promise<string[]> {
  return [
    ...brokenCommands(scenario, seen),
    ...brokenRuns(scenario, seen),
    ...brokenEvents(seen),
    ...(await brokenTable(seen, world)),
    ...(await brokenQueues(world)),
    ...(excused(scenario, seen) ? [] : scenario.check(seen)),
  ];
}

/** Whether a run has ended as a decision page allows after a death. */
function excused({ mayEndAs }: Scenario, { runs }: Seen): boolean {
  return runs.some(({ status, reason }) => mayEndAs?.status === status && mayEndAs.reason === reason?.code);
}

function brokenCommands(scenario: Scenario, seen: Seen): string[] {
  const { written } = scenario;
  if (typeof written === 'function') return written(seen);
  const counts = new Map<string, number>();
  for (const line of seen.written) counts.set(line, (counts.get(line) ?? 0) + 1);
  const mayMiss = excused(scenario, seen);
  return [
    ...[...counts]
      .filter(([, count]) => count > 1)
      .map(([line, count]) => `${line} was executed ${count} times`),
    ...[...counts.keys()]
      .filter((line) => !written.includes(line))
      .map((line) => `${line} was not asked for`),
    ...written.filter((line) => !counts.has(line) && !mayMiss).map((line) => `${line} was never executed`),
  ];
}

function brokenRuns({ mayEndAs }: Scenario, { runs }: Seen): string[] {
  return runs.flatMap((run) => {
    const { runId, status, reason, outbox, pollAt } = run;
    if (run.schedule?.recurrence !== undefined && status === 'scheduled') return [];
    return [
      ...(isTerminalRun(run) ? [] : [`${runId} is still ${status}`]),
      ...(outbox.length > 0 ? [`${runId} has not told ${outbox.join(', ')}`] : []),
      ...(pollAt === undefined ? [] : [`${runId} is still to be looked at, ${pollAt}`]),
      ...(status === 'unknown' && mayEndAs?.status !== 'unknown'
        ? [`${runId} is unknown: ${reason?.code}`]
        : []),
      ...(status === 'unknown' && reason === undefined ? [`${runId} is unknown and does not say why`] : []),
    ];
  });
}

/** Every fact has one id, and every end is told. Delivered twice is fine: at least once is the promise. */
function brokenEvents({ runs, events }: Seen): string[] {
  const idsOf = (run: Run, type: CompletionEvent['type']) =>
    new Set(events.filter((event) => event.subject === run.runId && event.type === type).map(({ id }) => id));
  const contradictions = [...Map.groupBy(events, ({ id }) => id)].flatMap(([id, all]) => {
    const told = new Set(all.map(({ data }) => `${data.status} ${data.reason?.code ?? ''}`));
    return told.size > 1 ? [`${id} says ${[...told].join(', then ')}`] : [];
  });
  const missing = runs.filter(
    (run) => run.cancel === undefined && isTerminalRun(run) && run.notify.length > 0,
  );
  return [
    ...contradictions,
    ...missing.flatMap((run) => {
      const ends = idsOf(
        run,
        run.status === 'rejected' ? 'fleet-reflex.run.rejected' : 'fleet-reflex.run.completed',
      );
      const started = idsOf(run, 'fleet-reflex.run.started');
      const tasks = idsOf(run, 'fleet-reflex.task.completed');
      const ended = run.tasks.filter(({ status }) => !['queued', 'running'].includes(status));
      const isSent = run.invocations.some(({ state }) => state === 'sent');
      return [
        ...(ends.size === 1 ? [] : [`the end of ${run.runId} has ${ends.size} ids`]),
        ...(started.size === (isSent ? 1 : 0) ? [] : [`the start of ${run.runId} has ${started.size} ids`]),
        ...(tasks.size === ended.length ? [] : [`${ended.length} tasks of ${run.runId}, ${tasks.size} ids`]),
        ...events
          .filter(({ id }) => ends.has(id))
          .filter(({ data }) => data.status !== run.status)
          .map(({ data }) => `${run.runId} is ${run.status}, and was told as ${data.status}`),
      ];
    }),
  ];
}

/** No claim of what is over. */
async function brokenTable({ runs }: Seen, world: World): Promise<string[]> {
  const ended = runs.filter(isTerminalRun).map(({ runId }) => runId);
  return (await world.items()).flatMap((item) => {
    const pk = String(item['pk']);
    if (!/^(LOCK|INFLIGHT)#/.test(pk)) return [];
    const text = JSON.stringify(item, (_key, value: unknown) => (value instanceof Set ? [...value] : value));
    return ended
      .filter((runId) => text.includes(runId))
      .map((runId) => `${pk} still has ${runId}, which has ended`);
  });
}

async function brokenQueues(world: World): Promise<string[]> {
  const left = [...(await survey(world))].filter(([, { ready, hidden }]) => ready + hidden > 0);
  return await Promise.all(
    left.map(async ([name, { ready, hidden }]) => {
      const [body = ''] = await readyBodies(world, name);
      return `${name} has ${ready + hidden} message(s): ${body.slice(0, 200)}`;
    }),
  );
}
