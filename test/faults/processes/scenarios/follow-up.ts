/** A run that fails, and the rule that runs after it. */
import type { Scenario } from '../scenario.ts';
import { alert } from '../senders.ts';
import { fleetFile, HEAD } from './rules-file.ts';

export const followUp: Scenario = {
  name: 'on-failure',
  rules: `${HEAD}
fleets: { app: { provider: tencent, instances: [ins-fault001, ins-fault002] } }
rules:
  - name: deploys
    on: alertmanager
    run: { fleet: app, command: cmd-deploy0001, timeout: 60s }
    onFailure: { run: rolls-back, instances: failed }
    notify: [completions]
  - name: rolls-back
    run: { fleet: app, command: cmd-revert0001, timeout: 60s }
    notify: [completions]`,
  fleet: fleetFile({
    instances: ['ins-fault001', 'ins-fault002'],
    commands: {
      'cmd-deploy0001': 'echo deploy-$FLEET_INSTANCE_ID >> WRITTEN; [ $FLEET_INSTANCE_ID = ins-fault002 ]',
      'cmd-revert0001': 'echo revert-$FLEET_INSTANCE_ID >> WRITTEN',
    },
  }),
  deeds: () => [alert('Deploys')],
  written: ['deploy-ins-fault001', 'deploy-ins-fault002', 'revert-ins-fault001'],
  check({ runs }) {
    const ends = runs.map(({ rule, status }) => `${rule} ${status}`).toSorted();
    const expected = ['deploys partly_failed', 'rolls-back succeeded'];
    return ends.join() === expected.join()
      ? []
      : [`expected ${expected.join(', ')}, came ${ends.join(', ')}`];
  },
};
