/** The form of an action: its name, what it takes, and what it does. One file each in `actions/`. */
import type * as z from 'zod';
import { parseInput } from './input.ts';
import type { Call, World } from './world.ts';

const TAT_VERSION = '2020-10-28';
/** The API of instances is another one, at the same address here. */
export const CVM_VERSION = '2017-03-12';

export interface Action {
  name: string;
  /** Of its API. */
  version: string;
  /** @throws TatError @returns the answer, without RequestId */
  answer(body: unknown, world: World, call: Call): Record<string, unknown>;
}

export function defineAction<Schema extends z.ZodType>(definition: {
  name: string;
  /** Default TAT's. */
  version?: string;
  input: Schema;
  run: (world: World, input: z.output<Schema>, call: Call) => Record<string, unknown>;
}): Action {
  return {
    name: definition.name,
    version: definition.version ?? TAT_VERSION,
    answer: (body, world, call) => definition.run(world, parseInput(definition.input, body), call),
  };
}
