/**
 * The chain of a run: our completion events start runs, whose completion events start further runs. A chain that returns to
 * a rule, or grows too deep, is stopped, without an event that could start it again
 * (docs/decisions/2026-11-21-chains-and-limits.md).
 */
import * as z from 'zod';

/** A run that led to another by its completion event. */
export const Ancestor = z.strictObject({
  rule: z.string().max(200),
  runId: z.string().regex(/^run-[a-z2-7]{26}$/),
});
export type Ancestor = z.infer<typeof Ancestor>;

/** Older ancestors are dropped: no file allows such a deep chain. */
export const MAX_ANCESTORS = 20;

export const Chain = z.strictObject({
  /** Oldest first; the last is the run whose completion event the trigger event is, or has in it. */
  ancestry: z.array(Ancestor).min(1).max(MAX_ANCESTORS),
  /** The length of the longest line of them: an event may contain the completions of several runs. */
  depth: z.int().positive(),
  /** `limits.chainDepth` of the rules when it was rendered. */
  maxDepth: z.int().nonnegative(),
});
export type Chain = z.infer<typeof Chain>;

export const LOOP = 'guard.loop';

/** Why a run of the rule may not start at the end of this chain; undefined when it may. */
export function whyLoop(
  rule: string,
  { ancestry, depth, maxDepth }: Chain,
): { code: string; message: string } | undefined {
  const line = [...ancestry.map((ancestor) => ancestor.rule), rule].slice(-6).join(' → ');
  const itself = ancestry.findLast((ancestor) => ancestor.rule === rule);
  if (itself !== undefined) {
    return {
      code: LOOP,
      message: `The rule feeds itself: its run ${itself.runId} led to this event (${line}). Let its \`when\` leave out what it publishes itself, like event.data.rule == '…', or do not \`notify\` the queue that it reads.`,
    };
  }
  if (depth <= maxDepth) return undefined;
  return {
    code: LOOP,
    message: `${depth} runs led to each other before this one (${line}), and \`limits.chainDepth\` is ${maxDepth}. Raise it in the rules if so long a chain is meant.`,
  };
}

/**
 * Whether a rejection with this reason publishes no completion event: a rule that sees the event of its own loop would
 * continue the loop.
 */
export function isKeptQuiet({ code }: { code: string }): boolean {
  return code === LOOP;
}

/** The chains as one: every ancestor once, and as deep as the deepest of them. */
export function joinChains(lines: readonly (readonly Ancestor[])[], maxDepth: number): Chain | undefined {
  const deepestLast = lines.toSorted((a, b) => a.length - b.length);
  const byRun = new Map(deepestLast.flat().map((ancestor) => [ancestor.runId, ancestor]));
  if (byRun.size === 0) return undefined;
  return {
    ancestry: [...byRun.values()].slice(-MAX_ANCESTORS),
    depth: Math.max(...lines.map(({ length }) => length)),
    maxDepth,
  };
}
