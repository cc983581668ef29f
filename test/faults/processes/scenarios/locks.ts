/** Two rules on one instance, each with its lock: one after the other, never at once. */
import type { Scenario } from '../scenario.ts';
import { alert } from '../senders.ts';
import { allAre } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const rule = (name: string) => `
  - name: ${name}
    on: alertmanager
    run: { provider: tencent, command: cmd-${name}00001, instances: [ins-fault001], timeout: 60s }
    guards: { lock: true }
    notify: [completions]`;
const script = (name: string) => `echo ${name}-begins >> WRITTEN; sleep 0.05; echo ${name}-ends >> WRITTEN`;

export const locks: Scenario = {
  name: 'locks',
  rules: `${HEAD}
rules:${rule('first')}${rule('other')}`,
  fleet: fleetFile({
    instances: ['ins-fault001'],
    commands: { 'cmd-first00001': script('first'), 'cmd-other00001': script('other') },
  }),
  deeds: () => [alert('Both')],
  written: ['first-begins', 'first-ends', 'other-begins', 'other-ends'],
  check: (seen) => {
    const order = seen.written.map((line) => line.split('-')[0]);
    const isApart = order[0] === order[1] && order[2] === order[3];
    return [
      ...allAre(2, 'succeeded')(seen),
      ...(isApart ? [] : [`two runs were on one instance at once: ${seen.written.join(', ')}`]),
    ];
  },
};
