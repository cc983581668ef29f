/**
 * One firing of a timed invocation under an id of its own. The vendor has none: every firing of `t-hz01` is `t-hz01`,
 * told apart only by how often it has run. Ours is `t-hz01#3`, the third; it is a run of its own, and read and
 * claimed by this id.
 */
export interface FiringId {
  invokeId: string;
  /** From 1 on. */
  repeats: number;
}

export function writeFiringId({ invokeId, repeats }: FiringId): string {
  return `${invokeId}#${repeats}`;
}

/** @returns undefined for the id of a whole invocation */
export function readFiringId(invocationId: string): FiringId | undefined {
  const match = /^([^#]+)#([1-9]\d*)$/.exec(invocationId);
  return match?.[1] === undefined ? undefined : { invokeId: match[1], repeats: Number(match[2]) };
}
