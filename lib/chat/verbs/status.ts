/** `status [run]`: the state of a run, or the newest runs, of the rules that the person may use here. */
import { RunId } from '../../model/run-request.ts';
import type { Person } from '../person.ts';
import type { ChatRun } from '../port.ts';
import { defineVerb, type Lines } from '../verb.ts';

export interface StatusCommand {
  verb: 'status';
  runId?: string;
}

const MAX_RUNS = 5;
const MAX_TASKS = 20;

export const status = defineVerb<StatusCommand>({
  name: 'status',
  usage: 'status [run]',
  summary: 'how a run goes, or the newest runs',
  parse({ args }) {
    const [runId, surplus] = args;
    if (runId === undefined) return { ok: true, command: { verb: 'status' } };
    if (surplus !== undefined || !RunId.safeParse(runId).success)
      return { ok: false, problem: `expected one run, like run-…, came \`${args.join(' ')}\`` };
    return { ok: true, command: { verb: 'status', runId } };
  },
  perform: async ({ runId }, person) =>
    runId === undefined ? await newest(person) : await one(runId, person),
});

async function one(runId: string, person: Person): Promise<Lines> {
  const run = await person.run(runId);
  if (run === undefined) return [`There is no run \`${runId}\` that you may see here.`];
  const tasks = run.tasks
    .slice(0, MAX_TASKS)
    .map(({ instanceId, status: state, exitCode }) =>
      exitCode === undefined
        ? `• ${instanceId}: ${state}`
        : `• ${instanceId}: ${state}, exit code ${exitCode}`,
    );
  const more = run.tasks.length - tasks.length;
  const why = run.reason ?? run.waitingFor;
  return [
    lineOf(run),
    ...(why === undefined ? [] : [`${run.reason === undefined ? 'It waits' : 'Why'}: ${why.message}`]),
    ...tasks,
    ...(more > 0 ? [`… and ${more} more.`] : []),
  ];
}

/** A freeze goes first: then nothing below it will start. */
async function newest(person: Person): Promise<Lines> {
  const [runs, frozen] = await Promise.all([person.newestRuns(MAX_RUNS), person.frozenBecause()]);
  const lines = runs.length === 0 ? ['There are no runs that you may see here.'] : runs.map(lineOf);
  return frozen === undefined ? lines : [frozen, ...lines];
}

function lineOf(run: ChatRun): string {
  const counts = Object.entries(run.counts).map(([state, count]) => `${count} ${state}`);
  const on = `${run.instances.length} instance${run.instances.length === 1 ? '' : 's'}`;
  const when = run.endedAt === undefined ? `asked for at ${run.requestedAt}` : `ended at ${run.endedAt}`;
  const wave = run.wave === undefined ? '' : `wave ${run.wave.number} of ${run.wave.of}, `;
  const detail = wave + (counts.length === 0 ? on : `${on}: ${counts.join(', ')}`);
  const by = run.by === undefined ? '' : ` by ${run.by.replaceAll('`', "'")}`;
  return `\`${run.runId}\` of \`${run.rule}\`: ${run.status} (${detail}), ${when}${by}`;
}
