/** A run that waits for a second person's yes, which comes over the API. */
import type { Scenario } from '../scenario.ts';
import { alert, api } from '../senders.ts';
import { allAre } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

export const approval: Scenario = {
  name: 'approval',
  rules: `${HEAD}
rules:
  - name: asks
    on: alertmanager
    approval: { expires: 4h }
    run: { provider: tencent, command: cmd-write0001, instances: [ins-fault001], parameters: { token: approved }, timeout: 60s, deadline: 4h }
    notify: [completions]`,
  fleet: fleetFile({
    instances: ['ins-fault001'],
    commands: { 'cmd-write0001': 'echo {{token}} >> WRITTEN' },
  }),
  deeds: () => [
    alert('Asks'),
    {
      ...api(({ runs }) => `/runs/${runs[0]?.runId}/approve`, 'local-approver-token'),
      when: ({ runs, written }) => written.length === 0 && runs[0]?.waitingFor?.code === 'approval',
    },
  ],
  written: ['approved'],
  check: allAre(1, 'succeeded'),
};
