/**
 * The switchboard of faults: what a network and a vendor do on a bad day, on demand. Each fault is used up by the
 * requests that it hits.
 */
export type Fault = {
  /** Default every action. */
  action?: string;
  /** How many requests it hits. Default 1. */
  times?: number;
} & (
  | /** Answers this error and does nothing; with the header `x-acs-retry-after` where there is a time. */ {
      kind: 'error';
      code: string;
      httpStatus?: number;
      retryAfterMs?: number;
    }
  | /** Closes the connection and does nothing. */ { kind: 'dropBefore' }
  | /** Does it, and closes the connection without an answer. */ { kind: 'dropAfter' }
  | /** Does it at once, and answers after so many milliseconds. */ { kind: 'answerLate'; ms: number }
  | /** Begins after so many milliseconds. */ { kind: 'beginLate'; ms: number }
  | /** Does it, and answers with this text in the place of JSON. */ {
      kind: 'garbage';
      body: string;
      httpStatus?: number;
    }
);

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  /** @returns the fault for a request that has just come, used up by it */
  take(action: string): Fault | undefined;
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      waiting.push({ fault, left: fault.times ?? 1 });
    },
    clear() {
      waiting = [];
    },
    take(action) {
      const found = waiting.find(({ fault }) => fault.action === undefined || fault.action === action);
      if (found === undefined) return undefined;
      found.left -= 1;
      if (found.left <= 0) waiting = waiting.filter((entry) => entry !== found);
      return found.fault;
    },
  };
}
