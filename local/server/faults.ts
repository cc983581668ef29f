/** Faults that somebody asked for and that have not hit yet: both local clouds keep them alike. */

/**
 * `Asked` is what a test or a request writes, `Fault` what it is once it is checked. `task` and `delivery` (of an output
 * to a bucket) hit an instance; every other kind hits a request.
 */
export interface Waiting<Asked, Fault extends Kinded> {
  /** @throws what the cloud throws for a wrong parameter: it says what was expected */
  add(fault: Asked): void;
  clear(): void;
  /** What still waits to hit something. */
  list(): readonly Fault[];
  /** The fault for a request that has just come, used up by it. */
  takeForRequest(action: string): Exclude<Fault, OnInstance> | undefined;
  takeForTask(instanceId: string): Extract<Fault, { kind: 'task' }> | undefined;
  takeForDelivery(instanceId: string): Extract<Fault, { kind: 'delivery' }> | undefined;
}

interface Kinded {
  kind: string;
  /** How often it still hits. */
  times: number;
  action?: string | undefined;
  instanceId?: string | undefined;
}

interface OnInstance {
  kind: 'task' | 'delivery';
}

/** @param check makes a fault of what somebody asked for */
export function waitingFaults<Asked, Fault extends Kinded>(
  check: (fault: Asked) => Fault,
): Waiting<Asked, Fault> {
  let waiting: Fault[] = [];

  const take = <Taken extends Fault>(isMeant: (fault: Fault) => fault is Taken): Taken | undefined => {
    const found = waiting.find(isMeant);
    if (found === undefined) return undefined;
    found.times -= 1;
    if (found.times <= 0) waiting = waiting.filter((other) => other !== found);
    return found;
  };
  const isFor = (fault: Fault, instanceId: string): boolean =>
    (fault.instanceId ?? instanceId) === instanceId;

  return {
    add(fault) {
      waiting.push(check(fault));
    },
    clear() {
      waiting = [];
    },
    list: () => waiting,
    takeForRequest: (action) =>
      take(
        (fault): fault is Exclude<Fault, OnInstance> =>
          fault.kind !== 'task' && fault.kind !== 'delivery' && (fault.action ?? action) === action,
      ),
    takeForTask: (instanceId) =>
      take(
        (fault): fault is Extract<Fault, { kind: 'task' }> =>
          fault.kind === 'task' && isFor(fault, instanceId),
      ),
    takeForDelivery: (instanceId) =>
      take(
        (fault): fault is Extract<Fault, { kind: 'delivery' }> =>
          fault.kind === 'delivery' && isFor(fault, instanceId),
      ),
  };
}
