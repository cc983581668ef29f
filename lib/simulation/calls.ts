/** How many calls of InvokeCommand a run takes. */
import { instancesOf, type Run } from '../model/run.ts';
import { wavesOf } from '../model/run-waves.ts';
import { planInvocations, type Splitting } from '../runs/new-run.ts';

/** Each wave has calls of its own. A run that does not succeed fails everywhere, so that its first wave is the last. */
export function callsOf(run: Run, provider: Splitting, ends = 'succeeded'): number {
  const [first = instancesOf(run), ...later] = wavesOf(run);
  const sent = ends === 'succeeded' ? [first, ...later] : [first];
  return sent.flatMap((instances) => planInvocations(run.runId, instances, provider)).length;
}
