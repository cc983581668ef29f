/** The three kinds of instances that TAT knows, by their ids; one request takes one kind only. */

import { inChunks } from '../chunks.ts';

/** CVM, Lighthouse, registered (managed) instances. */
const KINDS = ['ins', 'lhins', 'rins'] as const;
export type InstanceKind = (typeof KINDS)[number];

const FORM = /^(ins|lhins|rins)-[0-9A-Za-z]+$/;

export function kindOfInstance(id: string): InstanceKind | undefined {
  const prefix = FORM.exec(id)?.[1];
  return KINDS.find((kind) => kind === prefix);
}

/**
 * Cuts instances into what one request each may hold: one kind, at most `most`, each instance once. What is no
 * instance id of this vendor stays together with its like, so that the refusal names it.
 */
export function splitInstances(instances: readonly string[], most: number): string[][] {
  const byKind = Map.groupBy(new Set(instances), (id) => kindOfInstance(id) ?? 'other');
  return [...byKind.values()].flatMap((ids) => inChunks(ids, most));
}
