/** An event that fires five rules, on both clouds. */
import type { Scenario } from '../scenario.ts';
import { alert } from '../senders.ts';
import { allAre } from './ends.ts';
import { fleetFile, HEAD } from './rules-file.ts';

const NUMBERS = [1, 2, 3, 4, 5];
const isTencent = (number: number) => number % 2 === 1;
const instance = (number: number) => `${isTencent(number) ? 'ins' : 'i'}-five000${number}`;
const command = (number: number) => `${isTencent(number) ? 'cmd' : 'c'}-write0001`;

export const fiveRules: Scenario = {
  name: 'five-rules',
  rules: `${HEAD}
rules:${NUMBERS.map(
    (number) => `
  - name: rule-${number}
    on: alertmanager
    run: { provider: ${isTencent(number) ? 'tencent' : 'alibaba'}, command: ${command(number)}, instances: [${instance(number)}], parameters: { token: rule-${number} }, timeout: 60s }
    notify: [completions]`,
  ).join('')}`,
  fleet: fleetFile({
    instances: NUMBERS.map(instance),
    commands: { 'cmd-write0001': 'echo {{token}} >> WRITTEN', 'c-write0001': 'echo {{token}} >> WRITTEN' },
  }),
  deeds: () => [alert('Five')],
  written: NUMBERS.map((number) => `rule-${number}`),
  check: allAre(5, 'succeeded'),
};
