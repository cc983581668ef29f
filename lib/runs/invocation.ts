/** One invocation of a run: the request to the provider, and the changes of its record in the run. */
import type { Run, RunInvocation } from '../model/run.ts';
import type { Target } from '../model/target.ts';
import type { Invocation } from '../providers/provider.ts';
import type { RunStore } from '../store/run-store.ts';
import { change } from './settle.ts';

export type InvocationEdit = Partial<RunInvocation>;

/** The request to the provider; the same on every attempt. */
export function invocationOf(
  { rule }: Pick<Run, 'rule'>,
  target: Target,
  { token, instances }: RunInvocation,
): Invocation {
  return {
    token,
    target: { ...target, instances },
    labels: { 'fleet-reflex-run': token, 'fleet-reflex-rule': rule },
  };
}

/** The run with a change of one invocation; `undefined` takes a field away. */
export function withInvocation(run: Run, index: number, edit: InvocationEdit): Run {
  return {
    ...run,
    invocations: run.invocations.map((invocation, at) => {
      if (at !== index) return invocation;
      return { ...invocation, ...edit };
    }),
  };
}

/** Stores a change of one invocation, and with it what else changes in the run. */
export async function editInvocation(
  run: Run,
  index: number,
  store: RunStore,
  edit: InvocationEdit,
  also: (current: Run) => Partial<Run> = () => ({}),
): Promise<Run> {
  return await change(store, run, (current) => withInvocation({ ...current, ...also(current) }, index, edit));
}
