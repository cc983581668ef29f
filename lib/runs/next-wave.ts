/**
 * The next wave of a run whose pause is over: it is a dispatch like the first one, by the poller. The write that begins
 * it is conditional, so that one process begins it; from then on it survives what a dispatch survives.
 */
import { after } from '../model/after.ts';
import { isBetweenWaves, isTerminalRun, nextToken, type Run } from '../model/run.ts';
import { instancesOfWave, wavesOf } from '../model/run-waves.ts';
import { providerOf } from '../providers/provider.ts';
import { attempt } from './dispatch.ts';
import type { DispatchContext } from './dispatch-context.ts';
import type { Splitting } from './new-run.ts';
import { attempting } from './send.ts';
import { change, settle } from './settle.ts';

/** For the poller, of a run between two waves, or that was cancelled there. Safe to call again at any point. */
export async function seeToWaves(known: Run, context: DispatchContext): Promise<void> {
  const { store, now } = context;
  // A cancel between two waves ends it: nothing is at the provider that could.
  const run = await settle(known, context);
  const { waves } = run;
  if (isTerminalRun(run) || !isBetweenWaves(run) || waves?.nextAt === undefined) return;
  const { nextAt } = waves;
  if (nextAt <= now().toISOString()) await begin(run, context);
  else if (run.pollAt !== nextAt) await change(store, run, (current) => onTime(current));
}

/** A cancel of some instances has it looked at before its time. */
function onTime(run: Run): Run | undefined {
  const nextAt = run.waves?.nextAt;
  if (isTerminalRun(run) || nextAt === undefined || run.cancelRequestedAt !== undefined) return undefined;
  return { ...run, pollAt: nextAt };
}

async function begin(run: Run, context: DispatchContext): Promise<void> {
  const { store, providers, now, leaseMs, log } = context;
  if (run.target === undefined) return;
  const provider = providerOf(providers, run.target.provider);
  const next = withNextWave(run, provider);
  const index = run.invocations.length;
  if (next.invocations.length === index) {
    // All that was left has been cancelled by name.
    const saved = await store.save(next);
    if (saved.kind === 'saved') await settle(saved.run, context);
    return;
  }
  const leaseUntil = after(now(), leaseMs).toISOString();
  const dispatching: Run = { ...next, status: 'dispatching', leaseUntil, pollAt: leaseUntil };
  // As for a new run: where nothing is asked of the cloud before the call, the attempt is marked in this write.
  const isMarked = run.onUnavailable === 'fail';
  const begun = await store.save(isMarked ? attempting(dispatching, index, provider, now()) : dispatching);
  // Somebody cancelled it at this moment, or has begun it: what is stored is looked at again.
  if (begun.kind === 'conflict') return;
  const wave = begun.run.waves?.begun;
  log.info('wave.begun', { runId: run.runId, rule: run.rule, wave });
  await attempt(begun.run, context, isMarked);
}

/** The run with the invocations of its next wave that has any instances; without one, no wave is left. */
function withNextWave(run: Run, { split }: Splitting): Run {
  const { waves } = run;
  if (waves === undefined) return run;
  const count = wavesOf(run).length;
  let wave = waves.begun;
  while (wave < count && instancesOfWave(run, wave).length === 0) wave += 1;
  const invocations = [...run.invocations];
  for (const instances of wave < count ? split(instancesOfWave(run, wave)) : []) {
    const token = nextToken(
      run.runId,
      invocations.map((invocation) => invocation.token),
    );
    invocations.push({ token, wave, instances, state: 'planned' });
  }
  const begun = Math.min(wave + 1, count);
  return { ...run, invocations, waves: { ...waves, begun, nextAt: undefined }, waitingFor: undefined };
}
