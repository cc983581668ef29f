/** One event, one run of one instance: an alert on each cloud, and an event that comes as a message. */
import type { Scenario } from '../scenario.ts';
import { alert, alertBody } from '../senders.ts';
import { allAre } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const rules = (run: string) => `${HEAD}
rules:
  - name: writes
    on: alertmanager
    run: { ${run}, parameters: { token: '\${event.data.name}' }, timeout: 60s }
    guards: { dedupe: { key: event.data.fingerprint, window: 10m }, maxInFlight: 1 }
    notify: [completions]`;

const onTencent = {
  rules: rules('provider: tencent, command: cmd-write0001, instances: [ins-fault001]'),
  fleet: fleetFile({
    instances: ['ins-fault001'],
    commands: { 'cmd-write0001': 'echo {{token}} >> WRITTEN' },
  }),
  written: ['High5xx'],
  check: allAre(1, 'succeeded'),
};

export const tencentRun: Scenario = { name: 'alert-tat', ...onTencent, deeds: () => [alert('High5xx')] };

export const alibabaRun: Scenario = {
  name: 'alert-cloud-assistant',
  rules: rules('provider: alibaba, command: c-write0001, instances: [i-fault001]'),
  fleet: fleetFile({ instances: ['i-fault001'], commands: { 'c-write0001': 'echo {{token}} >> WRITTEN' } }),
  deeds: () => [alert('High5xx')],
  written: ['High5xx'],
  check: allAre(1, 'succeeded'),
};

export const queueMessage: Scenario = {
  name: 'queue-message',
  ...onTencent,
  deeds: () => [{ message: () => ({ source: 'alertmanager', body: alertBody('High5xx') }) }],
};
