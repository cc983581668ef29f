/** Trigger events and rules for the tests of lib/rules, with only what a test is about written in the test. */
import { expect } from 'vitest';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { AlertData, ChatData, DeployData, TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import type { Rule, RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

export const NOW = new Date('2026-11-20T10:00:00.000Z');

const envelope = { specversion: '1.0' as const, id: 'e-1', time: NOW.toISOString() };

export function anAlert(data: Partial<AlertData> = {}, source = 'alertmanager'): TriggerEvent {
  const status = data.status ?? 'firing';
  return {
    ...envelope,
    source,
    kind: 'alert',
    type: `alert.${status}`,
    subject: 'High5xx',
    data: {
      status,
      name: 'High5xx',
      labels: { alertname: 'High5xx', instance_id: 'ins-local001', service: 'web' },
      annotations: {},
      fingerprint: 'f-1',
      ...data,
    },
  };
}

export function aDeploy(data: Partial<DeployData> = {}): TriggerEvent {
  return {
    ...envelope,
    source: 'github',
    kind: 'deploy',
    type: 'deploy.created',
    data: { action: 'created', repository: 'acme/web', ...data },
  };
}

export function aChat(data: Partial<ChatData> = {}): Extract<TriggerEvent, { kind: 'chat' }> {
  return {
    ...envelope,
    source: 'slack',
    kind: 'chat',
    type: 'chat.command',
    data: {
      command: '/fleet',
      args: ['patch', 'web'],
      options: {},
      text: 'patch web',
      user: { id: 'U1', name: 'ada' },
      channel: { id: 'C1', name: 'ops' },
      ...data,
    },
  };
}

export function aGeneric(body: unknown): TriggerEvent {
  return { ...envelope, source: 'generic', kind: 'generic', type: 'generic.received', data: { body } };
}

/** A file with these rules, YAML as it stands below `rules:`. */
export function rulesOf(rules: string, rest = ''): RuleSet {
  const text = `version: 1\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\n${rest}\nrules:\n${rules}`;
  return loadRules(text, 'rules.yml', SOURCES.values());
}

/** What is wrong with a whole file, a line each; nothing when it loads. */
export function problemsIn(text: string): string[] {
  try {
    loadRules(text, 'r.yml', SOURCES.values());
    return [];
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError) || thrown.code !== 'rules.invalid') throw thrown;
    expect(thrown.details['problems']).toEqual(thrown.message.split('\n'));
    return thrown.message.split('\n');
  }
}

/**
 * One rule on alertmanager (or another source) whose `run` has these further lines, in flow style. What the event
 * decides is meant to be decided by it: `unsafe` names it.
 */
export function aRule(run: string, { on = 'alertmanager', more = '' } = {}): Rule {
  const target = 'provider: tencent, command: cmd-1';
  const instances = run.includes('instances:') ? '' : 'instances: ins-1, ';
  const chosen = ['instances', 'workingDirectory'].filter((field) =>
    new RegExp(`${field}: [^}]*\\$\\{`).test(run),
  );
  const unsafe = run.includes('unsafe:') ? '' : `unsafe: [${chosen.join(', ')}], `;
  const set = rulesOf(`  - { name: r, on: ${on}, run: { ${target}, ${instances}${unsafe}${run} } ${more} }`);
  const [rule] = set.rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}
