/** Twelve instances in waves: one rollout that passes, and one whose canary fails. */
import type { Scenario } from '../scenario.ts';
import { alert } from '../senders.ts';
import { allAre } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const INSTANCES = Array.from({ length: 12 }, (_, index) => `ins-wave0${String(index + 1).padStart(3, '0')}`);

const rules = (command: string) => `${HEAD}
fleets: { machines: { provider: tencent, instances: [${INSTANCES.join(', ')}] } }
rules:
  - name: rolls
    on: alertmanager
    run: { fleet: machines, command: ${command}, timeout: 60s, waves: { sizes: [1, 5], pause: 30s } }
    notify: [completions]`;

export const wavesPass: Scenario = {
  name: 'waves-pass',
  rules: rules('cmd-fine00001'),
  fleet: fleetFile({
    instances: INSTANCES,
    commands: { 'cmd-fine00001': 'echo $FLEET_INSTANCE_ID >> WRITTEN' },
  }),
  deeds: () => [alert('Rollout')],
  written: INSTANCES,
  check: (seen) => {
    const [canary] = seen.written;
    return [
      ...allAre(1, 'succeeded')(seen),
      ...(canary === INSTANCES[0] ? [] : [`the canary was not first: ${canary}`]),
    ];
  },
};

export const canaryFails: Scenario = {
  name: 'waves-canary-fails',
  rules: rules('cmd-fail00001'),
  fleet: fleetFile({
    instances: INSTANCES,
    commands: { 'cmd-fail00001': 'echo $FLEET_INSTANCE_ID >> WRITTEN; exit 3' },
  }),
  deeds: () => [alert('Rollout')],
  written: INSTANCES.slice(0, 1),
  check: allAre(1, 'partly_failed', 'wave.stopped'),
};
