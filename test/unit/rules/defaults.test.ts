/** The rules.yml that a fresh clone has: what it makes of every sample, and of the alerts and chats of strangers. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { RunRequest } from '../../../lib/model/run-request.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';
import { aChat, aDeploy, anAlert, NOW } from './events.ts';
import { matchRules } from './match-rules.ts';

const ROOT = new URL('../../../', import.meta.url);
const RULES = loadRules(readFileSync(new URL('rules.yml', ROOT), 'utf8'), 'rules.yml', SOURCES.values());

function requestsOf(event: TriggerEvent): RunRequest[] {
  return matchRules(RULES, event)
    .filter(({ fires }) => fires)
    .map(({ rule }) => RunRequest.parse(renderRule(rule, event, { now: NOW })));
}

/** The rule, its action and what stands for it in a line. */
function summaryOf(event: TriggerEvent): string[] {
  return requestsOf(event).map(lineOf);
}

function lineOf(request: RunRequest): string {
  switch (request.action) {
    case 'run':
      return `${request.rule}: ${request.target.instances.join(' ')}: ${Object.values(request.target.parameters).join(' ')}`;
    case 'cancel':
      return `${request.rule}: cancel ${request.targetRule} ${request.key ?? ''}`.trim();
    case 'schedule':
      return `${request.rule}: schedule`;
    case 'judge':
      return `${request.rule}: ${request.kind}`;
    case 'reject':
      return `${request.rule}: ${request.reason.code}`;
  }
}

test('the file is fine, and warns of nothing', () => {
  expect(RULES.warnings).toEqual([]);
});

const Fleet = z.object({
  instances: z.array(z.object({ id: z.string() })),
  commands: z.array(z.object({ id: z.string() })),
});

test('every command and instance that it names is in the local fleet', () => {
  const fleet = Fleet.parse(parseDocument(readFileSync(new URL('local/fleet.yml', ROOT), 'utf8')).toJS());
  const known = new Set([...fleet.instances, ...fleet.commands].map(({ id }) => id));
  const named = RULES.rules.flatMap(({ action }) =>
    action.kind === 'cancel'
      ? []
      : [
          ...[action.target.command, ...action.target.instances].flatMap(({ literal }) => literal ?? []),
          ...(action.target.fleet?.instances ?? []),
        ],
  );
  expect(named.filter((id) => !known.has(id))).toEqual([]);
});

const FIRING: readonly [string, string[]][] = [
  ['alertmanager.json', ['restart-web-on-5xx: ins-local001: restart:web']],
  ['alertmanager.resolved.json', ['stop-when-resolved: cancel restart-web-on-5xx 1aaabd2adb6c43a2']],
  ['cloudwatch.json', ['announce-alert: ins-local001: alert web-cpu-high severity unknown']],
  [
    'github.deployment.json',
    [
      'deploy-on-deployment: ins-local001 ins-local002: deploy Codertocat/Hello-World at f95f852bd8fca8fcc58a9a2d6c842781e32a215e to production',
    ],
  ],
  ['github.push.json', ['build-on-push: ins-local003: push Codertocat/Hello-World refs/heads/master']],
  ['slack.json', ['fleet-command: ins-local001: fleet patch web asked by U2CERLKJA']],
  ['generic.json', ['note-any-event: ins-local001: event:generic.received']],
];

function eventsOf(file: string): readonly TriggerEvent[] {
  const name = file.split('.', 1)[0] ?? '';
  const source = SOURCES.get(name);
  const body = readFileSync(new URL(`events/${file}`, ROOT), 'utf8');
  const normalisation = source?.receiveMessage(requestOfMessage(body), {
    secrets: [''],
    now: NOW,
    settings: settingsOf(name),
  });
  return normalisation?.kind === 'events' ? normalisation.events : [];
}

test.each(FIRING)('%s starts %j', (file, expected) => {
  expect(eventsOf(file).flatMap(summaryOf)).toEqual(expected);
});

test('no sample of any source is rejected, and none starts two runs', () => {
  const samples = readdirSync(new URL('events/', ROOT)).filter(
    (file) => SOURCES.has(file.split('.', 1)[0] ?? '') && file.endsWith('.json'),
  );
  const results = samples.flatMap((file) =>
    eventsOf(file).map((event) => ({ file, requests: requestsOf(event) })),
  );
  expect(results.length).toBeGreaterThan(30);
  expect(
    results.filter(
      ({ requests }) => requests.length > 1 || requests.some(({ action }) => action === 'reject'),
    ),
  ).toEqual([]);
});

test.each([
  [
    {
      name: 'Disk almost full',
      labels: { alertname: 'Disk almost full', severity: 'page me!' },
      severity: 'page me!',
    },
    'announce-alert: ins-local001: alert Disk_almost_full severity page_me_',
  ],
  [
    { name: 'X', labels: { alertname: 'X', instance_id: 'ins-local002' } },
    'announce-alert: ins-local002: alert X severity unknown',
  ],
  [
    { name: 'X', labels: { alertname: 'X', instance_id: 'ins-local001; reboot' } },
    'announce-alert: ins-local001: alert X severity unknown',
  ],
  [
    { name: 'X', labels: { alertname: 'X', instance_id: 'ins-elsewhere' } },
    'announce-alert: ins-local001: alert X severity unknown',
  ],
  [{ labels: { alertname: 'High5xx' } }, 'announce-alert: ins-local001: alert High5xx severity unknown'],
  [
    { labels: { alertname: 'High5xx', instance_id: 'i-local002' } },
    'restart-web-on-5xx-alibaba: i-local002: restart:web',
  ],
  [
    { labels: { alertname: 'High5xx', instance_id: 'ins-local001', service: '$(reboot)' } },
    'restart-web-on-5xx: parameters.unsafe',
  ],
  [
    { labels: { alertname: 'High5xx', instance_id: 'ins-offline01' } },
    'restart-web-on-5xx: ins-offline01: restart:web',
  ],
  [
    { labels: { alertname: 'High5xx', instance_id: 'ins-elsewhere' } },
    'restart-web-on-5xx: instances.not-in-fleet',
  ],
  [
    { labels: { alertname: 'High5xx', instance_id: 'i-elsewhere' } },
    'restart-web-on-5xx-alibaba: instances.not-in-fleet',
  ],
  [{ name: '磁盘满了', labels: {} }, 'announce-alert: ins-local001: alert _ severity unknown'],
])('an alert %j', (data, expected) => {
  expect(summaryOf(anAlert(data))).toEqual([expected]);
});

test.each([
  ['patch', ['fleet-command: ins-local001: fleet patch asked by U1']],
  ['deploy web v1.2.3', ['fleet-command: ins-local001: fleet deploy web v1.2.3 asked by U1']],
  ['', ['fleet-command: ins-local001: fleet  asked by U1']],
  ['rm -rf / ; $(reboot)', ['fleet-command: ins-local001: fleet rm rf _ _ _reboot_ asked by U1']],
  ['sleep 20', ['sleep-a-while: ins-local001 ins-local002: 20']],
  ['sleep', ['sleep-a-while: template.failed']],
  ['sleep forever', ['sleep-a-while: parameters.unsafe']],
  ['stop', ['stop-sleeping: cancel sleep-a-while']],
])('somebody types /fleet %s', (text, expected) => {
  expect(summaryOf(aChat({ text, args: text.split(' ').filter((word) => word !== '') }))).toEqual(expected);
});

const Anything = fc.string({ unit: 'binary', maxLength: 300 });

test('nothing that an event may hold is an exception or a request that dispatch would not take', () => {
  const labels = fc.dictionary(
    fc.oneof(fc.constantFrom('alertname', 'instance_id', 'service'), Anything),
    Anything,
  );
  const alert = fc.record({
    name: fc.oneof(fc.constant('High5xx'), Anything),
    labels,
    severity: Anything,
    fingerprint: Anything,
  });
  const deploy = fc.record({ repository: Anything, ref: Anything, sha: Anything, environment: Anything });
  const chat = fc.record({ args: fc.array(Anything), text: Anything, user: fc.record({ id: Anything }) });
  const event = fc.oneof(
    alert.map((data) => anAlert(data)),
    deploy.map((data) => aDeploy(data)),
    chat.map((data) => aChat(data)),
  );
  fc.assert(
    fc.property(event, (it) => {
      for (const request of requestsOf(it)) {
        if (request.action !== 'run') continue;
        for (const value of Object.values(request.target.parameters))
          expect(value).toMatch(/^[A-Za-z0-9 _.:@/+=-]+$/);
      }
    }),
    { numRuns: 500 },
  );
});
