/**
 * Reads the runs that led to a request from the table. A forwarder of a completion event may have removed its ancestry, or
 * changed a rule's name in it; the stored run is reliable.
 */
import type { Log } from '../logging.ts';
import { inheritedCauses } from '../model/actor.ts';
import { type Ancestor, joinChains, LOOP, whyLoop } from '../model/chain.ts';
import { rejectionOf } from '../model/reject-request.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { RunStore } from '../store/run-store.ts';

/** How many of the last ancestors are read; each costs one read. */
const MAX_LOOKS = 5;

/**
 * @returns the request with its chain from the table, or its rejection as `guard.loop`. A request without a chain is
 * returned unchanged, without a read.
 */
export async function traceChain(
  runRequest: RunRequest,
  { store, log }: { store: Pick<RunStore, 'get'>; log: Log },
): Promise<RunRequest> {
  const { chain, action, runId, rule, trigger } = runRequest;
  if (chain === undefined || action === 'cancel') return runRequest;
  if (runRequest.action === 'reject' && runRequest.reason.code === LOOP) return runRequest;
  const looks = chain.ancestry.slice(-MAX_LOOKS).map((ancestor) => store.get(ancestor.runId));
  const parents = (await Promise.all(looks)).filter((run) => run !== undefined);
  const rules = new Map(parents.map((run) => [run.runId, run.rule]));
  const said = chain.ancestry.map((it) => ({ ...it, rule: rules.get(it.runId) ?? it.rule }));
  const stored = parents.map(lineOf);
  const joined = joinChains([...stored, said], chain.maxDepth) ?? chain;
  const depth = Math.max(chain.depth, ...stored.map(({ length }) => length));
  const causes = inheritedCauses(
    trigger,
    parents.map((run) => run.trigger),
  );
  const traced = { ...runRequest, trigger: { ...trigger, ...causes }, chain: { ...joined, depth } };
  const loop = whyLoop(rule, traced.chain);
  if (loop === undefined) return traced;
  log.info('run.stopped', { runId, rule, guard: loop.code });
  return rejectionOf(traced, loop);
}

function lineOf({ rule, runId, ancestry = [] }: Ancestor & { ancestry?: readonly Ancestor[] | undefined }) {
  return [...ancestry, { rule, runId }];
}
