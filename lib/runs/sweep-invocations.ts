/**
 * Proves of a page of a cloud's invocations that each that carries our mark has its run. Where the cloud takes no mark, they
 * are handed on as they are, to be compared with those that the runs know.
 */
import { type Run, sentInvocations } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { type ListedInvocation, providerOf } from '../providers/provider.ts';
import type { Finding } from './sweep.ts';
import type { SweepContext } from './sweep-runs.ts';

export interface InvocationsSwept {
  findings: Finding[];
  seen: number;
  /** Those of a cloud that takes no mark: ours, and those of others. */
  unmarked: ListedInvocation[];
  cursor?: string;
}

export async function sweepInvocations(
  asked: { provider: string; region: string; since: Date; cursor?: string | undefined },
  { store, providers }: SweepContext,
): Promise<InvocationsSwept> {
  const { provider: name, region, since, cursor } = asked;
  const provider = providerOf(providers, name);
  const { invocations, cursor: next } = await provider.list(region, { since, cursor });
  const marked = invocations.flatMap((one) => {
    const runId = runOf(one);
    return runId === undefined ? [] : [{ ...one, runId }];
  });
  const runs = new Map(
    (await store.getMany(marked.map(({ runId }) => runId))).map((run) => [run.runId, run]),
  );
  const findings = marked.flatMap((one) => faultOf(one, runs.get(one.runId), `${name}/${region}`));
  return {
    findings,
    seen: invocations.length,
    unmarked: provider.identity.by === 'token' ? [] : invocations.filter((one) => runOf(one) === undefined),
    ...(next !== undefined && { cursor: next }),
  };
}

/** A token is the run's id and a number. */
function runOf({ token }: ListedInvocation): RunId | undefined {
  return RunId.safeParse(token?.slice(0, token.lastIndexOf('-'))).data;
}

function faultOf(
  { invocationId, command, createdAt, token, runId }: ListedInvocation & { runId: RunId },
  run: Run | undefined,
  place: string,
): Finding[] {
  const where = `${place}: ${invocationId}`;
  const what = `It ran ${command} at ${createdAt ?? 'a time that the cloud does not say'} with the mark of ${runId}`;
  if (run === undefined) {
    return [
      {
        code: 'invocation.no-run',
        where,
        message: `${what}, and there is no such run.`,
        advice:
          'Runs are kept for 30 days. If it is younger: was the table restored, or does another deployment use this account? Look at the invocation in the console of the cloud.',
        state: 'person',
      },
    ];
  }
  if (sentInvocations(run).some((one) => one.invocationId === invocationId)) return [];
  // Its answer was lost, and it is searched for.
  const isSearched = run.invocations.some((one) => one.token === token && one.state === 'attempting');
  if (run.status === 'dispatching' && isSearched) return [];
  return [
    {
      code: 'invocation.unknown-to-run',
      where,
      message: `${what}, and that run, which is ${run.status}, does not know it: a command ran that its run does not report.`,
      advice: `Look at it in the console of the cloud, and at the reason of ${runId}, before anything is run again.`,
      state: 'person',
    },
  ];
}
