/** Faults that somebody asked for and that have not hit yet: both local clouds keep them alike. */

export interface Waiting<Asked, ForRequest, ForTask> {
  /** @throws what the cloud throws for a wrong parameter: it says what was expected */
  add(fault: Asked): void;
  clear(): void;
  /** What still waits to hit something. */
  list(): readonly (ForRequest | ForTask)[];
  /** The fault for a request that has just come, used up by it. */
  takeForRequest(action: string): ForRequest | undefined;
  takeForTask(instanceId: string): ForTask | undefined;
}

interface Counted {
  /** How often it still hits. */
  times: number;
}

/**
 * @param check makes a fault of what somebody asked for
 * @param isForTask whether it hits a task; else it hits a request
 */
export function waitingFaults<
  Asked,
  ForRequest extends Counted & { action?: string | undefined },
  ForTask extends Counted & { instanceId?: string | undefined },
>(
  check: (fault: Asked) => ForRequest | ForTask,
  isForTask: (fault: ForRequest | ForTask) => fault is ForTask,
): Waiting<Asked, ForRequest, ForTask> {
  let waiting: (ForRequest | ForTask)[] = [];

  const use = (fault: ForRequest | ForTask): void => {
    fault.times -= 1;
    if (fault.times <= 0) waiting = waiting.filter((other) => other !== fault);
  };

  return {
    add(fault) {
      waiting.push(check(fault));
    },
    clear() {
      waiting = [];
    },
    list: () => waiting,
    takeForRequest(action) {
      for (const fault of waiting) {
        if (isForTask(fault) || (fault.action ?? action) !== action) continue;
        use(fault);
        return fault;
      }
      return undefined;
    },
    takeForTask(instanceId) {
      for (const fault of waiting) {
        if (!isForTask(fault) || (fault.instanceId ?? instanceId) !== instanceId) continue;
        use(fault);
        return fault;
      }
      return undefined;
    },
  };
}
