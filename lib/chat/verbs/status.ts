/** `status [run]`: how a run goes, or the newest ones; of the rules that the person may use here, and no others. */
import { RunId } from '../../model/run-request.ts';
import type { ChatRun } from '../port.ts';
import { type ChatContext, type ChatReply, defineVerb, saying } from '../verb.ts';

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
  perform: async ({ runId }, context) =>
    runId === undefined ? await newest(context) : await one(runId, context),
});

async function one(runId: string, { runs }: ChatContext): Promise<ChatReply> {
  const run = await runs.one(runId);
  if (run === undefined) return saying(`There is no run \`${runId}\` that you may see here.`);
  const tasks = run.tasks
    .slice(0, MAX_TASKS)
    .map(({ instanceId, status: state, exitCode }) =>
      exitCode === undefined
        ? `• ${instanceId}: ${state}`
        : `• ${instanceId}: ${state}, exit code ${exitCode}`,
    );
  const more = run.tasks.length - tasks.length;
  const why = run.reason ?? run.waitingFor;
  return saying(
    lineOf(run),
    ...(why === undefined ? [] : [`${run.reason === undefined ? 'It waits' : 'Why'}: ${why.message}`]),
    ...tasks,
    ...(more > 0 ? [`… and ${more} more.`] : []),
  );
}

async function newest({ runs }: ChatContext): Promise<ChatReply> {
  const visible = await runs.newest(MAX_RUNS);
  return visible.length === 0
    ? saying('There are no runs that you may see here.')
    : saying(...visible.map(lineOf));
}

function lineOf(run: ChatRun): string {
  const counts = Object.entries(run.counts).map(([state, count]) => `${count} ${state}`);
  const on = `${run.instances.length} instance${run.instances.length === 1 ? '' : 's'}`;
  const when = run.endedAt === undefined ? `asked for at ${run.requestedAt}` : `ended at ${run.endedAt}`;
  const detail = counts.length === 0 ? on : `${on}: ${counts.join(', ')}`;
  return `\`${run.runId}\` of \`${run.rule}\`: ${run.status} (${detail}), ${when}`;
}
