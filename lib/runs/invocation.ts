/** One invocation of a run: as the provider is asked for it, and how its record in the run is changed. */
import type { Invocation } from '../providers/provider.ts';
import type { Run, RunInvocation } from './run.ts';
import { change } from './settle.ts';
import type { RunStore } from './store.ts';

/** What the provider is asked for; the same on every attempt. */
export function invocationOf(run: Run, { token, instances }: RunInvocation): Invocation {
  return {
    token,
    region: run.region ?? '',
    command: run.command ?? '',
    instances,
    parameters: run.parameters,
    ...(run.timeoutSeconds !== undefined && { timeoutSeconds: run.timeoutSeconds }),
    ...(run.username !== undefined && { username: run.username }),
    ...(run.workingDirectory !== undefined && { workingDirectory: run.workingDirectory }),
    options: run.options,
    labels: { 'fleet-reflex-run': token, 'fleet-reflex-rule': run.rule },
  };
}

/** Stores a change of one invocation, and with it what else changes in the run. */
export async function editInvocation(
  run: Run,
  index: number,
  store: RunStore,
  edit: Partial<RunInvocation>,
  also: (current: Run) => Partial<Run> = () => ({}),
): Promise<Run> {
  return await change(store, run, (current) => ({
    ...current,
    ...also(current),
    invocations: current.invocations.map((invocation, at) =>
      at === index ? { ...invocation, ...edit } : invocation,
    ),
  }));
}
