/** How each cloud's runs are cut into calls, without a client that could make one. */
import { MAX_INSTANCES_PER_INVOCATION } from '../lib/providers/alibaba/requests.ts';
import { MAX_INSTANCES_TO_INVOKE } from '../lib/providers/tencent/actions/invocations.ts';
import { inChunks, splitInstances } from '../lib/providers/tencent/instances.ts';
import type { SimulationOptions } from '../lib/simulation/simulation.ts';

export const SPLITS: SimulationOptions['providers'] = {
  tencent: { split: (instances) => splitInstances(instances, MAX_INSTANCES_TO_INVOKE) },
  alibaba: { split: (instances) => inChunks([...new Set(instances)], MAX_INSTANCES_PER_INVOCATION) },
};
