/** `cancel <run>`: asks that a run be cancelled; the button below a run's message says the same. */
import { nameFor } from '../../rules/allow.ts';
import { isTerminalRun } from '../../runs/run.ts';
import { runIdFor } from '../../runs/run-id.ts';
import { RunId, type RunRequest } from '../../runs/run-request.ts';
import type { ChatRun } from '../port.ts';
import { type ChatContext, defineVerb, saying } from '../verb.ts';

export interface CancelCommand {
  verb: 'cancel';
  runId: string;
}

export const cancel = defineVerb<CancelCommand>({
  name: 'cancel',
  usage: 'cancel <run>',
  summary: 'cancels a run that is not over',
  parse({ args }) {
    const [runId, surplus] = args;
    if (runId === undefined) return { ok: false, problem: 'expected a run, like run-…' };
    if (surplus !== undefined || !RunId.safeParse(runId).success)
      return { ok: false, problem: `expected one run, like run-…, came \`${args.join(' ')}\`` };
    return { ok: true, command: { verb: 'cancel', runId } };
  },
  async perform({ runId }, context) {
    const run = await context.runs.one(runId);
    if (run === undefined) return saying(`There is no run \`${runId}\` that you may cancel here.`);
    if (isTerminalRun(run)) {
      return saying(`Run \`${runId}\` of \`${run.rule}\` is over already: ${run.status}.`);
    }
    return {
      ...saying(`Run \`${runId}\` of \`${run.rule}\` is being cancelled.`),
      requests: [requestFor(run, context)],
    };
  },
});

/** Not `matched`: it is no rule's action. The same delivery again asks for the same. */
function requestFor(run: ChatRun, { event, now, traceparent }: ChatContext): RunRequest {
  const { user } = event.data;
  const who = nameFor(user);
  return {
    version: 1,
    action: 'cancel',
    runId: runIdFor('cancel', event.source, event.id),
    rule: run.rule,
    trigger: {
      source: event.source,
      type: event.type,
      id: event.id,
      ...(event.subject !== undefined && { subject: event.subject }),
    },
    notify: [],
    ...(traceparent !== undefined && { traceparent }),
    requestedAt: now.toISOString(),
    targetRunId: run.runId,
    by: `${event.source}/${who}`,
  };
}
