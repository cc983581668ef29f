/** The faults of a schedule, by the part that they befall and the number of the request there. */

/** `invoke` is the one call with an effect on a fleet; `cloud` are all others of a cloud. */
export const PARTS = ['table', 'queue', 'invoke', 'cloud'] as const;
export type Part = (typeof PARTS)[number];

/** Of every part. */
const COMMON = [
  /** Nothing happens, and the caller hears of an error. */
  'lostBefore',
  /** It happens, and the caller hears of an error. */
  'lostAfter',
  /** Nothing happens, and the caller is told to come later. */
  'throttled',
  /** The answer takes longer than its caller has patience for, or than its function may run. */
  'slow',
  /** The process dies, and with it all that it was doing. */
  'diesBefore',
  'diesAfter',
] as const;

export const KINDS = {
  table: [
    ...COMMON,
    /** The answer to a write is lost, and the SDK writes again: its own write makes the condition fail. */
    'repeated',
    /** Half of a batch is not taken. */
    'half',
  ],
  queue: [
    ...COMMON,
    /** A message comes twice. */
    'duplicated',
    /** A message comes minutes later, after others. */
    'late',
    /** Half of a batch is not taken. */
    'half',
  ],
  /** `late`: the request arrives after its caller has given it up. */
  invoke: [...COMMON, 'late', 'error'],
  cloud: [
    ...COMMON,
    'error',
    /** What was so some seconds ago. */
    'stale',
    /** A page is missing: it changed while it was read. */
    'partial',
  ],
} as const satisfies Record<Part, readonly string[]>;
export type Kind = (typeof KINDS)[Part][number];

export interface Fault {
  part: Part;
  /** Which of the requests to this part, from 0 on. */
  nth: number;
  kind: Kind;
  /** Of those that take time. */
  ms: number;
}

/** For a part that brings about some of the kinds: any other changes nothing there. */
export function kindOf(fault: Fault | undefined): string {
  return fault?.kind ?? 'none';
}

export interface Faults {
  /** The fault of the next request to this part. */
  next(part: Part): Fault | undefined;
  /** How many there have been, by kind. */
  readonly counts: ReadonlyMap<string, number>;
}

export function faultsOf(planned: readonly Fault[]): Faults {
  const byCall = new Map(planned.map((fault) => [`${fault.part} ${fault.nth}`, fault]));
  const calls = new Map<Part, number>();
  const counts = new Map<string, number>();
  return {
    next(part) {
      const nth = calls.get(part) ?? 0;
      calls.set(part, nth + 1);
      const fault = byCall.get(`${part} ${nth}`);
      if (fault !== undefined) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
      return fault;
    },
    counts,
  };
}
