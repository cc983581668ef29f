// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules are written with ${…}
/** `fleet-reflex simulate` as people call it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { command } from '../../../bin/commands/simulate.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'simulate-'));
  mkdirSync(join(folder, 'events'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function aFile(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const rules = (text: string) => `
version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - { name: echo, on: generic, when: has(event.data.body.text), run: { provider: tencent, command: cmd-1, instances: ins-1, parameters: { text: '${text}' } } }
`;
const event = (body: unknown) => JSON.stringify(body);

async function simulate(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => out.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation((line) => err.push(String(line)));
  const code = await command.run(args);
  return { code, out, err };
}

it('says what each event of a folder would start', async () => {
  const file = aFile('rules.yml', rules('${event.data.body.text}'));
  aFile('events/generic.a.json', event({ text: 'hello' }));
  aFile('events/generic.b.json', event({ other: 1 }));
  const { code, out } = await simulate(join(folder, 'events'), '--rules', file);
  expect(code).toBe(0);
  expect(out).toEqual([
    `${folder}/events/generic.a.json: generic.received of generic`,
    '  ✓ echo: run cmd-1 on ins-1 with text="hello"',
    `${folder}/events/generic.b.json: generic.received of generic`,
    '  · nothing',
    '',
    'echo  1 run on 1 instance in 1 call',
    '\n2 events: 1 run on 1 instance in 1 call',
  ]);
});

it('shows only what another file would do differently, rejections too', async () => {
  const now = aFile('now.yml', rules('${event.data.body.text}'));
  const next = aFile('next.yml', rules('again ${event.data.body.text}'));
  aFile('events/generic.a.json', event({ text: 'hello' }));
  aFile('events/generic.b.json', event({ other: 1 }));
  const { code, out } = await simulate(join(folder, 'events'), '--rules', next, '--against', now);
  expect(code).toBe(1);
  expect(out[0]).toBe(`${folder}/events/generic.a.json: generic.received of generic`);
  expect(out[1]).toBe('  - echo: run cmd-1 on ins-1 with text="hello"');
  expect(out[2]).toMatch(/^ {2}\+ echo: REJECTED, parameters\.unsafe: /);
  expect(out.slice(3)).toEqual([
    '',
    '2 files, 2 events; 1 event would be handled differently.',
    'now   1 run on 1 instance in 1 call',
    'then  no run, 1 stopped: parameters.unsafe 1',
  ]);
});

it('is quiet and exits with 0 when nothing changes', async () => {
  const file = aFile('rules.yml', rules('${event.data.body.text}'));
  aFile('events/generic.a.json', event({ text: 'hello' }));
  const { code, out } = await simulate(join(folder, 'events'), '--rules', file, '--against', file);
  expect({ code, out: out.slice(0, 2) }).toEqual({
    code: 0,
    out: ['', '1 file, 1 event; no event would be handled differently.'],
  });
});

it('goes on after a file that is no event, and exits with 1', async () => {
  const file = aFile('rules.yml', rules('${event.data.body.text}'));
  const bad = aFile('events/generic.bad.json', '{');
  const good = aFile('events/generic.good.json', event({ text: 'hello' }));
  const { code, out, err } = await simulate(bad, good, '--rules', file);
  expect(code).toBe(1);
  expect(err.join('\n')).toContain('generic.bad.json');
  expect(out.slice(-2)).toEqual(['\n1 event: 1 run on 1 instance in 1 call', '1 event could not be read.']);
});

it('names a folder that is not there', async () => {
  const path = join(folder, 'nowhere');
  await expect(simulate(path)).rejects.toMatchObject({ code: 'event.missing', details: { path } });
});

it('takes the events of a file for one request, which starts no more runs than the door would', async () => {
  const file = aFile(
    'rules.yml',
    `version: 1
providers: { tencent: { region: ap-guangzhou } }
limits: { runsPerRequest: 2 }
rules: [{ name: r, on: cloudevents, run: { provider: tencent, command: cmd-1, instances: ins-1 } }]
`,
  );
  const one = (id: string) => ({ specversion: '1.0', id, source: 's', type: 't' });
  const events = aFile('cloudevents.json', event([one('1'), one('2'), one('3')]));
  const { out } = await simulate(events, '--rules', file);
  expect(out.filter((line) => line.includes('✓ r: run cmd-1')).length).toBe(2);
  expect(out.filter((line) => line.includes('REJECTED, limit.runs-per-request')).length).toBe(1);
});

it('says what the guard of the hour would stop, and shows what is a loop', async () => {
  const file = aFile(
    'rules.yml',
    `version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - { name: r, on: generic, run: { provider: tencent, command: cmd-1, instances: ins-1 }, guards: { maxPerHour: { runs: 2 } } }
  - { name: again, on: fleet-reflex, run: { provider: tencent, command: cmd-1, instances: ins-1 } }
`,
  );
  for (const text of ['a', 'b', 'c']) aFile(`events/generic.${text}.json`, event({ text }));
  const data = { runId: 'run-hv2nvkb5gvkydnemikv32gtt7u', rule: 'again', status: 'failed' };
  const own = { specversion: '1.0', id: '1', source: 's', type: 'fleet-reflex.run.completed', data };
  const { code, out } = await simulate(
    join(folder, 'events'),
    aFile('fleet-reflex.json', event(own)),
    '--rules',
    file,
  );
  expect(code).toBe(0);
  expect(out.find((line) => line.startsWith('r '))).toBe(
    'r      2 runs on 2 instances in 2 calls, 1 stopped: guard.max-per-hour 1',
  );
  expect(out.find((line) => line.includes('✗ r: REJECTED, guard.max-per-hour'))).toBeDefined();
  expect(out.find((line) => line.includes('again: REJECTED'))).toContain('guard.loop');
});

it('counts the calls of each wave', async () => {
  const file = aFile(
    'rules.yml',
    `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets: { web: { provider: tencent, instances: [ins-1, ins-2, ins-3, ins-4, ins-5] } }
rules:
  - { name: r, on: generic, run: { fleet: web, command: cmd-1, waves: { sizes: [1, 2] } } }
`,
  );
  const { out } = await simulate(aFile('generic.json', event({ text: 'a' })), '--rules', file);
  expect(out).toContain('r  1 run on 5 instances in 3 calls');
});

it('shows no secret, and still says that one would be another', async () => {
  const secret = (value: string) =>
    rules('x').replace("text: 'x'", `text: { value: '${value}', secret: true }`);
  const before = aFile('before.yml', secret('${event.data.body.text}'));
  const after = aFile('after.yml', secret('${event.data.body.text}-two'));
  aFile('events/generic.a.json', event({ text: 'hunter2' }));
  const { code, out } = await simulate(join(folder, 'events'), '--rules', after, '--against', before);
  expect(code).toBe(1);
  expect(out.slice(1, 3)).toEqual([
    '  - echo: run cmd-1 on ins-1 with text="•••"',
    '  + echo: run cmd-1 on ins-1 with text="•••"',
  ]);
  expect(out.join('\n')).not.toContain('hunter2');
});

const GUARDED = `version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - name: r
    on: generic
    run: { provider: tencent, command: cmd-1, instances: [ins-1, lhins-2], deadline: 1m }
    guards: { dedupe: { key: event.data.body.key, window: 10m }, maxInFlight: 1, maxPerHour: { runs: 4 } }
`;

/** A line of recorded events, so many seconds after the first. */
function recorded(seconds: number, key: string, id = `${seconds}-${key}`): string {
  const at = new Date(Date.parse('2026-11-20T10:00:00Z') + seconds * 1000).toISOString();
  const event = { specversion: '1.0', id, source: 'generic', type: 'generic.x', time: at, kind: 'generic' };
  return JSON.stringify({
    version: 1,
    action: 'event',
    source: 'generic',
    eventId: id,
    receivedAt: at,
    event: { ...event, data: { body: { key } } },
  });
}

it('replays recorded events in the order of time, with what the guards remember', async () => {
  const file = aFile('rules.yml', GUARDED);
  const history = aFile(
    'history.jsonl',
    [
      recorded(700, 'a'),
      recorded(0, 'a'),
      recorded(10, 'a'),
      recorded(20, 'b'),
      recorded(20, 'c'),
      recorded(20, 'd'),
      recorded(800, 'e'),
      recorded(3700, 'f'),
      recorded(3700, 'f', '3700-f'),
      '{}',
      JSON.stringify({ action: 'event', source: 'generic', receivedAt: '2026-11-20T10:00:00Z' }),
    ].join('\n'),
  );
  const { code, out, err } = await simulate(history, '--rules', file, '--takes', '40s');
  expect(code).toBe(1);
  expect(err).toEqual([`${history}:10: expected an event of \`fleet-reflex events\`, or a trigger event`]);
  const run = 'run cmd-1 on ins-1, lhins-2, in 2 calls';
  expect(out.map((line) => line.replace(/(REJECTED|EXPIRED), ([\w.-]+): .*/, '$1, $2'))).toEqual([
    `${history}:2: generic.x of generic`,
    `  ✓ r: ${run}`,
    `${history}:3: generic.x of generic`,
    '  ✗ r: REJECTED, guard.dedupe',
    `${history}:4: generic.x of generic`,
    `  ✓ r: ${run}, after 20s of guard.in-flight`,
    `${history}:4: generic.x of generic`,
    '  ✗ r: EXPIRED, guard.in-flight',
    `${history}:4: generic.x of generic`,
    '  ✗ r: EXPIRED, guard.in-flight',
    `${history}:1: generic.x of generic`,
    `  ✓ r: ${run}`,
    `${history}:7: generic.x of generic`,
    `  ✓ r: ${run}`,
    `${history}:8: generic.x of generic`,
    `  ✓ r: ${run}`,
    `${history}:8: generic.x of generic`,
    `  ✓ r: ${run}`,
    '',
    'r  5 runs on 10 instances in 10 calls, 3 stopped: guard.in-flight 2, guard.dedupe 1',
    '\n9 events from 2026-11-20T10:00:00.000Z to 2026-11-20T11:01:40.000Z: 5 runs on 10 instances in 10 calls, 3 stopped: guard.in-flight 2, guard.dedupe 1',
    '1 event could not be read.',
    '1 record without the event, and left out (docs/testing-rules.md).',
  ]);
});

it('says what other guards would have stopped', async () => {
  const now = aFile('now.yml', GUARDED);
  const next = aFile(
    'next.yml',
    GUARDED.replace('window: 10m', 'window: 1h').replace('maxInFlight: 1, ', ''),
  );
  const history = aFile('history.jsonl', [recorded(0, 'a'), recorded(700, 'a')].join('\n'));
  const { code, out } = await simulate(history, '--rules', next, '--against', now, '--summary');
  expect({ code, out }).toEqual({
    code: 1,
    out: [
      '',
      '1 file, 2 events; 1 event would be handled differently.',
      'now   2 runs on 4 instances in 4 calls',
      'then  1 run on 2 instances in 2 calls, 1 stopped: guard.dedupe 1',
    ],
  });
});

it('lets no event speak to the terminal', async () => {
  const file = aFile('rules.yml', GUARDED);
  const line = recorded(0, '\u001b[2J').replace('"type":', '"subject":"a\\u001b[31mb\\u009b","type":');
  const { out } = await simulate(aFile('h.jsonl', line), '--rules', file);
  expect(out[0]).toMatch(/, about a\\u\{1b\}\[31mb\\u\{9b\}$/);
  expect(out.filter((text) => /\p{Cc}/u.test(text.replaceAll('\n', '')))).toEqual([]);
});

it('goes through thousands of events, and prints sums for programs', async () => {
  const file = aFile('rules.yml', GUARDED);
  const lines = Array.from({ length: 3000 }, (_, index) => recorded(index * 60, String(index)));
  const { code, out } = await simulate(aFile('h.jsonl', lines.join('\n')), '--rules', file, '--json');
  const { events, total } = JSON.parse(out.join('\n'));
  expect({ code, events: events.length, total }).toEqual({
    code: 0,
    events: 3000,
    total: {
      matched: 3000,
      runs: 200,
      instances: 400,
      calls: 400,
      scheduled: 0,
      cancels: 0,
      cancelled: 0,
      stopped: { 'guard.max-per-hour': 2800 },
    },
  });
});

it('says that the instances of a tagged fleet are not known, and plays the guards that do not need them', async () => {
  const file = aFile(
    'rules.yml',
    `version: 1
fleets: { web: { provider: tencent, region: ap-guangzhou, tags: { role: web } } }
rules:
  - { name: echo, on: generic, run: { fleet: web, command: cmd-1 }, guards: { dedupe: { key: event.data.body.text, window: 10m }, maxShare: 10% } }
`,
  );
  aFile('events/generic.a.json', event({ text: 'a' }));
  aFile('events/generic.b.json', event({ text: 'a', n: 2 }));
  const { out } = await simulate(join(folder, 'events'), '--rules', file);
  expect(out).toContain('  ✓ echo: run cmd-1 on the fleet web (role=web)');
  expect(out).toContain('echo  1 run on 0 instances in 1 call, 1 stopped: guard.dedupe 1');
  expect(out.at(-1)).toMatch(/^Not known here, and not counted: the instances of web /);
});
