/**
 * A cell is one small item of a guard's state, changed by a pure function and written only if it is unchanged since the
 * read. So a guard decides as if there were no concurrency.
 */
import type * as z from 'zod';

export interface Cell<State> {
  /** The guard's, as in the keys of the table: `times`. */
  readonly guard: string;
  /** The rule or the fleet that it is about. */
  readonly of: string;
  readonly key?: string | undefined;
  readonly schema: z.ZodType<State>;
  /** What is known before anything is stored. */
  readonly empty: State;
}

export interface Revised<State, Answer> {
  /** The same object as before: nothing is written. */
  state: State;
  answer: Answer;
}

export interface Cells {
  /**
   * @param edit pure: it is called again when somebody else was faster
   * @throws FleetReflexError `guard.busy` (retry)
   */
  revise<State, Answer>(cell: Cell<State>, edit: (state: State) => Revised<State, Answer>): Promise<Answer>;
}
