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
    '\n2 of 2 files; 1 runs would be asked for.',
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
  expect(out[3]).toBe('\n2 of 2 files; 1 events would be handled differently.');
});

it('is quiet and exits with 0 when nothing changes', async () => {
  const file = aFile('rules.yml', rules('${event.data.body.text}'));
  aFile('events/generic.a.json', event({ text: 'hello' }));
  const { code, out } = await simulate(join(folder, 'events'), '--rules', file, '--against', file);
  expect({ code, out }).toEqual({ code: 0, out: ['\n1 of 1 files; no event would be handled differently.'] });
});

it('goes on after a file that is no event, and exits with 1', async () => {
  const file = aFile('rules.yml', rules('${event.data.body.text}'));
  const bad = aFile('events/generic.bad.json', '{');
  const good = aFile('events/generic.good.json', event({ text: 'hello' }));
  const { code, out, err } = await simulate(bad, good, '--rules', file);
  expect(code).toBe(1);
  expect(err.join('\n')).toContain('generic.bad.json');
  expect(out.at(-1)).toBe('\n1 of 2 files; 1 runs would be asked for.');
});

it('names a folder that is not there', async () => {
  await expect(simulate(join(folder, 'nowhere'))).rejects.toThrow('There is no file or folder');
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

it('says which rule would be stopped by its hour, and shows what is a loop', async () => {
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
  expect(out).toContain('! r: 3 runs; were they asked for within an hour, 2 would start (guards.maxPerHour)');
  expect(out.find((line) => line.includes('again: REJECTED'))).toContain('guard.loop');
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
