/** A person starts a run from a chat, and cancels it while its command runs. */
import type { Scenario, Seen } from '../scenario.ts';
import { slack } from '../senders.ts';
import { allAre, TOO_OLD } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const runOf = ({ runs }: Seen) => runs.find(({ cancel }) => cancel === undefined);

export const chatCancel: Scenario = {
  name: 'chat-cancel',
  rules: `${HEAD}
rules:
  - name: long
    on: slack
    byName: true
    allow: { users: [U1] }
    run: { provider: tencent, command: cmd-long00001, instances: [ins-fault001], timeout: 1h }
    guards: { maxInFlight: 1 }
    notify: [completions]`,
  fleet: fleetFile({
    instances: ['ins-fault001'],
    commands: { 'cmd-long00001': 'echo begun >> WRITTEN; sleep 600; echo late >> WRITTEN' },
  }),
  deeds: () => [
    slack(() => 'run long', 'trigger-1'),
    {
      ...slack((seen) => `cancel ${runOf(seen)?.runId}`, 'trigger-2'),
      unless: (seen) => runOf(seen)?.status === 'rejected',
      when: (seen) => seen.written.includes('begun') && runOf(seen)?.status !== 'dispatching',
    },
  ],
  written: ['begun'],
  check: allAre(1, 'stopped', 'run.cancelled'),
  mayEndAs: TOO_OLD,
};
