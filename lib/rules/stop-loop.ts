/** Stops at the door what the event itself shows to be a loop: no message, no claim and no look at the table is spent. */
import { joinChains, whyLoop } from '../model/chain.ts';
import type { Lines } from '../model/find-ancestors.ts';
import { rejectionOf } from '../model/reject-request.ts';
import type { RunRequest } from '../model/run-request.ts';

/**
 * @param runRequest what a rule asks for on an event
 * @param lines the runs that led to the event
 * @returns the request with the chain that it stands in, or its rejection. A cancel is never stopped: it starts nothing,
 * and what it ends tells of itself with its own chain.
 */
export function stopLoop(runRequest: RunRequest, lines: Lines, maxDepth: number): RunRequest {
  const chain = joinChains(lines, maxDepth);
  if (chain === undefined) return runRequest;
  const chained = { ...runRequest, chain };
  if (runRequest.action === 'cancel') return chained;
  const loop = whyLoop(runRequest.rule, chain);
  return loop === undefined ? chained : rejectionOf(chained, loop);
}
