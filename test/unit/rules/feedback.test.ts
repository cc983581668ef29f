/** Which rules can see their own events, so that `rules check` warns of them and of no others. */
import { describe, expect, it, test } from 'vitest';
import { loadRules } from '../../../lib/rules/load.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

const HEAD = `version: 1
providers: { tencent: { region: ap-guangzhou } }
destinations: { feedback: { sqs: events }, others: { sqs: elsewhere } }
rules:
`;

interface Given {
  name?: string;
  on?: string;
  when?: string;
  notify?: string;
  action?: string;
}

/** Without locks: a rule that may see starts is warned of for them too. */
const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }, guards: { lock: false }';

function aRule({ name = 'a', on = 'fleet-reflex', when, notify = 'feedback', action = RUN }: Given): string {
  const condition = when === undefined ? '' : `, when: ${JSON.stringify(when)}`;
  return `  - { name: ${name}, on: [${on}]${condition}, ${action}, notify: [${notify}] }\n`;
}

function warningsOf(...rules: readonly Given[]): readonly string[] {
  const text = `${HEAD}${rules.map(aRule).join('')}`;
  return loadRules(text, 'rules.yml', SOURCES.values(), { looksForFeedback: true }).warnings;
}

/** Rules that are named, and see nothing. */
const OTHERS: readonly Given[] = ['b', 'c'].map((name) => ({ name, on: 'alertmanager' }));

describe('a rule that can see its own events', () => {
  it.each<[string, Given]>([
    ['without a when', {}],
    ['of every end', { when: "event.type == 'completion.run.completed'" }],
    ['of every failure', { when: "event.data.status == 'failed'" }],
    ['of what it is named', { when: "event.data.rule == 'a'" }],
    ['of many names, its own too', { when: "event.data.rule in ['b', 'a']" }],
    ['of its cloud', { when: "event.data.provider == 'tencent'" }],
    ['of its command', { when: "event.data.command.startsWith('cmd-')" }],
    ['of others than a name', { when: "event.data.rule != 'b'" }],
    [
      'of something that nobody knows before',
      { when: "has(event.data.reason) && event.data.rule.matches('^a')" },
    ],
    ['or of something', { when: "event.data.rule == 'b' || event.data.status == 'failed'" }],
    ['beside other sources', { on: 'alertmanager, fleet-reflex', when: "event.kind == 'completion'" }],
    ['beside other destinations', { notify: 'completions, feedback' }],
    [
      'of a schedule',
      { action: 'schedule: { provider: tencent, command: cmd-1, instances: ins-1, at: 1h }' },
    ],
  ])('%s is warned of', (_, given) => {
    expect(warningsOf(given, ...OTHERS)).toEqual([
      expect.stringMatching(/^rules\.yml:5:\d+: rules\[0\]\.notify: .*a → a/),
    ]);
  });

  it.each<[string, Given]>([
    ['of another rule', { when: "event.data.rule == 'b'" }],
    ['of others than itself', { when: "event.data.rule != 'a'" }],
    [
      'of others than itself, whatever else',
      { when: "!(event.data.rule == 'a') && event.data.status == 'failed'" },
    ],
    ['of other names', { when: "event.data.rule in ['b', 'c'] && event.type == 'completion.run.completed'" }],
    ['of a pattern of other names', { when: "event.data.rule.matches('^deploy-')" }],
    [
      'of another cloud, and no rejection',
      { when: "event.data.provider == 'alibaba' && event.data.status == 'failed'" },
    ],
    [
      'of a state that no run has',
      { when: "event.type == 'completion.run.completed' && event.data.status == 'rejected'" },
    ],
    ['of another kind', { on: 'alertmanager, fleet-reflex', when: "event.kind == 'alert'" }],
    ['of another source', { on: 'alertmanager, fleet-reflex', when: "event.source == 'alertmanager'" }],
    ['that is not on them', { on: 'alertmanager' }],
    ['that tells another queue', { notify: 'completions, others' }],
    ['that cancels', { name: 'stop', action: 'cancel: { rule: r }' }],
  ])('%s is not', (_, given) => {
    const runs: Given = { name: 'r', on: 'alertmanager', notify: 'completions' };
    expect(warningsOf(given, runs, ...OTHERS)).toEqual([]);
  });

  test('by others is warned of at each, with the way', () => {
    const of = (rule: string) => `event.type == 'completion.run.completed' && event.data.rule == '${rule}'`;
    expect(
      warningsOf(
        { name: 'a', when: of('c') },
        { name: 'b', when: of('a') },
        { name: 'c', when: of('b') },
        { name: 'end', when: of('c') },
      ),
    ).toEqual([
      expect.stringContaining('a → b → c → a'),
      expect.stringContaining('b → c → a → b'),
      expect.stringContaining('c → a → b → c'),
    ]);
  });

  test('is not looked for by the functions', () => {
    expect(loadRules(`${HEAD}${aRule({})}`, 'rules.yml', SOURCES.values()).warnings).toEqual([]);
  });

  test('is found among 300 in no time', () => {
    const rules = Array.from({ length: 300 }, (_, index) => ({
      name: `r-${index}`,
      when: `event.type == 'completion.run.completed' && event.data.rule == 'r-${(index + 1) % 300}'`,
    }));
    const before = process.cpuUsage();
    expect(warningsOf(...rules).length).toBe(300);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
  });
});
