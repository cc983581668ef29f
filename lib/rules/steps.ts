/**
 * What the work for an event may cost, counted in steps and not in time, so that the same event has the same outcome
 * on every machine: about one for each part of an expression that is evaluated, more where a part looks at much.
 */

/** Enough for hundreds of rules on any alert, and a tenth of a second where somebody tries to hold the door. */
export const STEPS_OF_EVENT = 1_000_000;
/** All the events of one request together … */
export const STEPS_OF_REQUEST = 5_000_000;
/** … and what an event has even when those before it have used all: an alert is not lost for what came beside it. */
export const STEPS_AT_LEAST = 2000;

/** Why an expression was not evaluated to its end. */
export class OutOfSteps extends Error {
  override readonly name = 'OutOfSteps';
}

/** Made once: a loop that goes on to its end, as CEL has it, may throw it a hundred thousand times. */
const OUT_OF_STEPS = new OutOfSteps('the event’s budget of steps is used up');

export interface Steps {
  /** @throws OutOfSteps when there are not so many left; then for ever */
  spend(count: number): void;
  /** Why nothing more is evaluated for this event; undefined as long as there are steps left. */
  whySpent(): string | undefined;
}

/** The steps of one request: each of its events has its own, within what all have together. */
export interface RequestSteps {
  ofEvent(): Steps;
}

export function stepsOfRequest(): RequestSteps {
  let left = STEPS_OF_REQUEST;
  return {
    ofEvent() {
      const limit = Math.max(STEPS_AT_LEAST, Math.min(STEPS_OF_EVENT, left));
      return countdown(limit, (count) => {
        left -= count;
      });
    },
  };
}

/** Of an event that comes alone. */
export function stepsOfEvent(): Steps {
  return stepsOfRequest().ofEvent();
}

function countdown(limit: number, onSpent: (count: number) => void): Steps {
  let left = limit;
  let isSpent = false;
  return {
    spend(count) {
      if (!isSpent && count <= left) {
        left -= count;
        onSpent(count);
        return;
      }
      isSpent = true;
      throw OUT_OF_STEPS;
    },
    whySpent: () =>
      isSpent
        ? `the rules need more than ${limit} steps for this event: it is too large for them, or made to be`
        : undefined,
  };
}
