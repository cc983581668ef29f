/** The rules of the schedules: one alert each, on both clouds, with what rules can ask for. */
import { loadRules } from '../../../lib/rules/load.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

const TEXT = `
version: 1
fleets:
  web: { provider: tencent, region: ap-guangzhou, instances: [ins-a, ins-b, ins-c] }
  shop: { provider: alibaba, region: cn-hangzhou, instances: [i-a, i-b, i-c] }
rules:
  - name: web
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'web'
    run: { fleet: web, command: cmd-1, instances: "\${event.data.labels.instance.split(',')}", timeout: 60s }
    guards: { dedupe: { key: event.id, window: 10m } }
  - name: web-again
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'web-again'
    run: { fleet: web, command: cmd-1, instances: "\${event.data.labels.instance.split(',')}", timeout: 60s }
    guards: { lock: false, dedupe: { key: event.id, window: 10m } }
  - name: web-waves
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'web-waves'
    run: { fleet: web, command: cmd-2, timeout: 60s, waves: { sizes: [1], pause: 5s, stopAfterFailures: 1, onStop: cancel } }
  - name: web-one
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'web-one'
    run: { fleet: web, command: cmd-3, timeout: 60s }
    guards: { maxInFlight: 1, breaker: { failures: 2, reset: 1h }, maxShare: 100% }
  - name: shop
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'shop'
    run: { fleet: shop, command: c-1, instances: "\${event.data.labels.instance.split(',')}", timeout: 60s }
    guards: { dedupe: { key: event.id, window: 10m } }
  - name: shop-waves
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'shop-waves'
    run: { fleet: shop, command: c-2, timeout: 60s, waves: { sizes: [1, 2], pause: 3s, stopAfterFailures: 2 } }
    guards: { cooldown: { for: 1m, keep: last } }
  - name: web-later
    on: alertmanager
    when: event.data.status == 'firing' && event.data.name == 'web-later'
    schedule: { fleet: web, command: cmd-4, at: '\${event.data.labels.at}', timeout: 60s }
  - name: stop
    on: alertmanager
    when: event.data.status == 'resolved'
    cancel: { rule: web }
  - name: stop-waves
    on: alertmanager
    when: event.data.status == 'resolved'
    cancel: { rule: shop-waves }
`;

/** What an alert may be called, and with it which rule runs. */
export const ALERTS = [
  'web',
  'web-again',
  'web-waves',
  'web-one',
  'shop',
  'shop-waves',
  'web-later',
] as const;

export const INSTANCES: Readonly<Record<string, readonly string[]>> = {
  web: ['ins-a', 'ins-b', 'ins-c'],
  shop: ['i-a', 'i-b', 'i-c'],
};

export const RULES: RuleSet = loadRules(TEXT, 'seeds.yml', SOURCES.values());
