/** `approve <run>` and `deny <run> [why]`: a second person says yes or no; the buttons below the message that asks. */
import { RunId } from '../../model/run-request.ts';
import type { Person } from '../person.ts';
import { defineVerb, type Lines, type Parsed, type Words } from '../verb.ts';

export interface ApproveCommand {
  verb: 'approve';
  runId: string;
}

export interface DenyCommand {
  verb: 'deny';
  runId: string;
  why?: string;
}

const MAX_WHY = 500;

export const approve = defineVerb<ApproveCommand>({
  name: 'approve',
  usage: 'approve <run>',
  summary: 'approves a run that waits for a second person',
  parse({ args }) {
    const [runId, surplus] = args;
    if (surplus !== undefined) return { ok: false, problem: `expected one run, came \`${args.join(' ')}\`` };
    return withRun(runId, (it) => ({ verb: 'approve', runId: it }));
  },
  perform: async ({ runId }, person) => await say('approved', runId, undefined, person),
});

export const deny = defineVerb<DenyCommand>({
  name: 'deny',
  usage: 'deny <run> [why]',
  summary: 'denies a run that waits for a second person',
  parse({ args: [runId, ...words] }: Words) {
    const why = words.join(' ').slice(0, MAX_WHY).toWellFormed();
    return withRun(runId, (it) => ({ verb: 'deny', runId: it, ...(why !== '' && { why }) }));
  },
  perform: async ({ runId, why }, person) => await say('denied', runId, why, person),
});

function withRun<Command>(runId: string | undefined, command: (runId: string) => Command): Parsed<Command> {
  if (runId !== undefined && RunId.safeParse(runId).success) return { ok: true, command: command(runId) };
  return { ok: false, problem: `expected a run, like run-…, came \`${runId ?? ''}\`` };
}

async function say(
  kind: 'approved' | 'denied',
  runId: string,
  why: string | undefined,
  person: Person,
): Promise<Lines> {
  const judging = await person.judging(runId);
  switch (judging.kind) {
    case 'none':
      return [`There is no run \`${runId}\` that you may approve or deny here.`];
    case 'own':
      return [
        `You asked for run \`${runId}\`, so somebody else has to approve or deny it. \`cancel ${runId}\` ends it.`,
      ];
    case 'notWaiting':
      return [`Run \`${runId}\` of \`${judging.rule}\` waits for no approval: ${judging.because}.`];
    case 'waits': {
      judging.judge(kind, why);
      const follows = kind === 'approved' ? 'it is sent now' : 'nothing of it is sent';
      return [`Run \`${runId}\` of \`${judging.rule}\` is ${kind}: ${follows}.`];
    }
  }
}
