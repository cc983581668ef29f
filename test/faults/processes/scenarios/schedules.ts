/** A run that a person schedules for later, and a standing schedule that the cloud fires. */
import type { Scenario, Seen } from '../scenario.ts';
import { slack } from '../senders.ts';
import { allAre, TOO_OLD } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const MINUTE_MS = 60_000;
const fleet = fleetFile({
  instances: ['ins-fault001'],
  commands: { 'cmd-write0001': 'echo fired >> WRITTEN' },
});

export const scheduleOnce: Scenario = {
  name: 'schedule-once',
  rules: `${HEAD}
rules:
  - name: later
    on: slack
    when: event.data.args[0] == 'later'
    allow: { users: [U1] }
    schedule: { provider: tencent, command: cmd-write0001, instances: [ins-fault001], at: 30m, deadline: 2h, timeout: 60s }
    guards: { maxInFlight: 1 }
    notify: [completions]`,
  fleet,
  deeds: () => [slack(() => 'later', 'trigger-1')],
  written: ['fired'],
  check: allAre(1, 'succeeded'),
  mayEndAs: TOO_OLD,
};

const fired = ({ runs }: Seen) => runs.filter(({ schedule }) => schedule?.recurrence === undefined);

export const standing: Scenario = {
  name: 'schedule-standing',
  rules: `${HEAD}
rules: []
schedules:
  - { name: standing, provider: tencent, command: cmd-write0001, instances: [ins-fault001], recurrence: '*/15 * * * *', notify: [completions] }`,
  fleet,
  deeds: () => [],
  // Each firing is a run, and each run a firing: a schedule that is there twice fires twice at its time.
  written: (seen) => {
    const runs = fired(seen).length;
    return seen.written.length === runs ? [] : [`${seen.written.length} firings and ${runs} runs`];
  },
  check: (seen) => {
    const times = fired(seen).map(({ requestedAt }) => Math.round(Date.parse(requestedAt) / MINUTE_MS));
    return [
      ...(fired(seen).length >= 2
        ? []
        : [`${fired(seen).length} runs in ${seen.elapsedMs / MINUTE_MS} minutes`]),
      ...(new Set(times).size === times.length ? [] : [`two runs of one time: ${times.join(', ')}`]),
      ...fired(seen)
        .filter(({ status }) => status !== 'succeeded')
        .map(({ runId, status }) => `${runId} is ${status}`),
    ];
  },
  isOver: (seen) =>
    seen.elapsedMs > 40 * MINUTE_MS &&
    fired(seen).length >= 2 &&
    fired(seen).length === seen.written.length &&
    fired(seen).every(({ pollAt, outbox }) => pollAt === undefined && outbox.length === 0),
};
