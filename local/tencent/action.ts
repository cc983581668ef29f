/** The form of an action: its name, what it takes, and what it does. One file each in `actions/`. */
import type * as z from 'zod';
import { parseInput } from './input.ts';
import type { Call, World } from './world.ts';

export interface Action {
  name: string;
  /** @throws TatError @returns the answer, without RequestId */
  answer(body: unknown, world: World, call: Call): Record<string, unknown>;
}

export function defineAction<Schema extends z.ZodType>(definition: {
  name: string;
  input: Schema;
  run: (world: World, input: z.output<Schema>, call: Call) => Record<string, unknown>;
}): Action {
  return {
    name: definition.name,
    answer: (body, world, call) => definition.run(world, parseInput(definition.input, body), call),
  };
}
