/** The door of a simulation: what is decided is remembered by who asked, and nothing is on any record. */
import type { ChatPort } from '../chat/port.ts';
import { silent } from '../logging.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { RuleSet } from '../rules/rule.ts';
import type { DecideContext } from '../runs/decide.ts';

/** @param send gets what is put on the runs queue */
export function simulatedDoor(
  ruleSet: RuleSet,
  now: () => Date,
  send: (requests: readonly RunRequest[]) => void,
): DecideContext {
  return {
    ruleSet,
    runsQueue: {
      async send(requests) {
        send(requests);
      },
    },
    recordsQueue: { async send() {} },
    chat: NO_RUNS,
    contents: rememberedContents(),
    log: silent,
    now,
  };
}

/** Nothing is on any record: `status` and `events` find nothing. */
const NO_RUNS: ChatPort = {
  status: async () => undefined,
  toJudge: async () => undefined,
  toResume: async () => undefined,
  recent: async () => [],
  events: async () => [],
  frozenBecause: async () => undefined,
};

function rememberedContents(): DecideContext['contents'] {
  const contents = new Map<string, string>();
  return {
    async claim(runId, hash) {
      const first = contents.get(runId) ?? hash;
      contents.set(runId, first);
      return first === hash ? 'ours' : 'taken';
    },
  };
}
