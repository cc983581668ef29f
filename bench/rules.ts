/**
 * What an event costs against many rules of its source, one of which fires: CPU ms for the decision, and with the reason
 * of each rule that does not fire, as `why` reads them; beside json-rules-engine with the same conditions.
 * Run: node bench/rules.ts
 */
import { Engine } from 'json-rules-engine';
import type { TriggerEvent } from '../lib/model/trigger-event.ts';
import { loadRules } from '../lib/rules/load.ts';
import { matchEvent } from '../lib/rules/match.ts';
import { SOURCES } from '../lib/sources/registry.ts';
import { median, report } from './report.ts';

const COUNTS = [10, 100, 1_000, 5_000, 10_000];
/** "What a run may cost": an event against 5,000 rules of its source. */
const ALLOWED_MS = 1;
const ROUNDS = 3;
const ROUND_MS = 150;

for (const count of COUNTS) {
  const names = Array.from({ length: count }, (_, index) => `Alert${index}`);
  const { rules } = loadRules(rulesFile(names), 'bench.yml', SOURCES.values());
  const engine = engineOf(names);
  const event = anAlert(names[Math.floor(count / 2)] ?? '');
  const match = () => matchEvent({ rules }, event).fired.length;
  const explain = () => matchEvent({ rules }, event).whyNot().length;
  const peer = async () => (await engine.run({ event })).events.length;
  const fired = [match(), count - explain(), await peer()];
  if (fired.some((one) => one !== 1))
    throw new Error(`${fired.join(', ')} rules fired, expected one each time`);

  // The index can do nothing for these: each has to be evaluated.
  const { rules: unindexed } = loadRules(rulesFile(names, matching), 'bench.yml', SOURCES.values());
  const each = () => matchEvent({ rules: unindexed }, event).fired.length;
  const theirs = await cpuMs(peer);
  const one = { bench: 'rules', unit: 'ms of CPU', better: 'lower', at: { rules: count } } as const;
  report({
    ...one,
    figure: 'an event',
    ours: await cpuMs(match),
    beside: { ...(count === 5_000 && { 'the design allows': ALLOWED_MS }), 'json-rules-engine': theirs },
  });
  report({
    ...one,
    figure: 'an event, rules without a constant to index by',
    ours: await cpuMs(each),
    beside: { 'json-rules-engine': theirs },
  });
  report({
    ...one,
    figure: 'an event, every reason read',
    ours: await cpuMs(explain),
    beside: { 'json-rules-engine': theirs },
  });
}

function equal(name: string): string {
  return `event.data.labels.alertname == '${name}'`;
}

function matching(name: string): string {
  return `event.data.labels.alertname.matches('^${name}$')`;
}

function rulesFile(names: readonly string[], is = equal): string {
  return JSON.stringify({
    version: 1,
    rules: names.map((name) => ({
      name: `on-${name.toLowerCase()}`,
      on: 'alertmanager',
      when: `event.data.status == 'firing' && ${is(name)} && event.data.labels.service == 'web'`,
      run: {
        provider: 'tencent',
        region: 'ap-guangzhou',
        command: 'cmd-bench001',
        instances: ['ins-bench001'],
      },
    })),
  });
}

function engineOf(names: readonly string[]): Engine {
  const is = (path: string, value: string) => ({ fact: 'event', path, operator: 'equal', value });
  return new Engine(
    names.map((name) => ({
      conditions: {
        all: [
          is('$.data.status', 'firing'),
          is('$.data.labels.alertname', name),
          is('$.data.labels.service', 'web'),
        ],
      },
      event: { type: name },
    })),
  );
}

function anAlert(alertname: string): TriggerEvent {
  return {
    specversion: '1.0',
    id: 'e-1',
    time: '2026-11-21T10:00:00.000Z',
    source: 'alertmanager',
    kind: 'alert',
    type: 'alert.firing',
    subject: alertname,
    data: {
      status: 'firing',
      name: alertname,
      labels: { alertname, service: 'web', instance_id: 'ins-bench001' },
      annotations: {},
      fingerprint: 'f-1',
    },
  };
}

/** CPU of this process for one call: the middle of some rounds. */
async function cpuMs(call: () => number | Promise<number>): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = process.cpuUsage();
    const until = performance.now() + ROUND_MS;
    let calls = 0;
    while (performance.now() < until || calls === 0) {
      await call();
      calls += 1;
    }
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) rounds.push((user + system) / 1000 / calls);
  }
  return median(rounds);
}
