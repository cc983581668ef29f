/** A rule that fires when a run starts would wait for that run: `rules check` warns. */
import { expect, it } from 'vitest';
import { loadRules } from '../../../lib/rules/load.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

const RUN = 'run: { provider: tencent, region: ap-guangzhou, command: cmd-1, instances: ins-1 }';

function warnedOf(rule: string): boolean {
  const text = `version: 1\nrules:\n  - { name: follow, ${rule} }\n`;
  const { warnings } = loadRules(text, 'rules.yml', SOURCES.values(), { looksForFeedback: true });
  return warnings.some((warning) => warning.includes('completion.run.started'));
}

it.each([
  ['is on all completions', `on: fleet-reflex, ${RUN}`, true],
  ['asks for starts', `on: fleet-reflex, when: "event.type == 'completion.run.started'", ${RUN}`, true],
  ['asks for ends', `on: fleet-reflex, when: "event.type == 'completion.run.completed'", ${RUN}`, false],
  [
    'asks for a status that only ends have',
    `on: fleet-reflex, when: event.data.status == 'failed', ${RUN}`,
    false,
  ],
  ['does not lock', `on: fleet-reflex, ${RUN}, guards: { lock: false }`, false],
  ['is on alerts', `on: alertmanager, ${RUN}`, false],
])('a rule that %s', (_, rule, isWarned) => {
  expect(warnedOf(rule)).toBe(isWarned);
});
