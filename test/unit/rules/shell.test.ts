// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/**
 * The promise behind the default pattern, tried on the real shells of this machine: a value that passes is one plain
 * word to them, and not an option. The providers paste values into scripts just like this.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderRule } from '../../../lib/rules/render.ts';
import { toSafeText } from '../../../lib/rules/safe-text.ts';
import { anAlert, aRule, NOW } from './events.ts';

const RULE = aRule('parameters: { x: "${event.data.name}" }');

/** The value as the provider would get it; undefined when the run is rejected. */
function passed(value: string): string | undefined {
  const request = renderRule(RULE, anAlert({ name: value }), { now: NOW });
  if (request.action === 'run') return request.target.parameters['x'];
  expect(request).toMatchObject({ action: 'reject', reason: { code: 'parameters.unsafe' } });
  return undefined;
}

/** Each as one calls it without anybody's start-up files. sh is on every machine of ours, the others may be. */
const SHELLS: readonly (readonly string[])[] = [
  ['/bin/sh'],
  ['/bin/bash', '--norc'],
  ['/bin/dash'],
  ['/bin/busybox', 'ash'],
  ['/bin/zsh', '-f'],
  ['/bin/ksh93'],
  ['/bin/mksh'],
  ['/usr/bin/yash', '--norcfile'],
  ['/bin/tcsh', '-f'],
].filter(([path = '']) => existsSync(path));

/** The words that each value is in `printf '[%s]' {{x}} end`, in one shell. */
function wordsIn([path = '', ...args]: readonly string[], values: readonly string[]): string[] {
  const script = values.map((value) => `printf '[%s]' a-${value} ${value} end; echo\n`).join('');
  return execFileSync(path, args, { input: script, encoding: 'utf8', env: { PATH: '/bin:/usr/bin' } })
    .split('\n')
    .slice(0, -1);
}

/** What means something to sh, PowerShell or cmd: alone each has to stop a value. */
const META = [...';&|<>()$`\\"\'*?[]{}!#~^%, \t\n\r\0', '\u2028', '\u00a0', '\u202e', '；', '‘', '\u0085'];

const HOSTILE = fc
  .tuple(fc.string({ maxLength: 20 }), fc.constantFrom(...META), fc.string({ maxLength: 20 }))
  .map(([before, meta, after]) => `${before}${meta}${after}`);

test('a value with a character that means something to a shell never passes', () => {
  fc.assert(
    fc.property(HOSTILE, (value) => {
      expect(passed(value)).toBeUndefined();
    }),
    { numRuns: 3000 },
  );
});

test.each([
  '',
  '/etc/passwd',
  '/s',
  '//x',
  'a,b',
  ',',
  '; id',
  '$(id)',
  '`id`',
  'a && b',
  'a || b',
  'x > /etc/passwd',
  "' ; id '",
  '" ; id "',
  'a\nid',
  'a\rid',
  '%COMSPEC%',
  '{{other}}',
  '$HOME',
  '~root',
  '*',
  '!!',
  '#x',
  '-rf',
  '--output=/etc/x',
  '+x',
  '=ls',
  '@/etc/passwd',
  '\\$(id)',
])('%j never passes', (value) => {
  expect(passed(value)).toBeUndefined();
});

const PLAIN = fc.string({
  unit: fc.constantFrom(...'azAZ09_.:@/+=-'),
  maxLength: 40,
});

test.each(SHELLS.map((shell) => [shell[0], shell] as const))(
  'to %s a value that passes is one word, exactly as it is',
  (_, shell) => {
    const samples = fc
      .sample(fc.oneof(PLAIN, fc.string({ unit: 'binary-ascii', maxLength: 6 })), { numRuns: 3000, seed: 7 })
      .flatMap((value) => passed(value) ?? []);
    expect(samples.length).toBeGreaterThan(500);
    expect(wordsIn(shell, samples)).toEqual(samples.map((value) => `[a-${value}][${value}][end]`));
  },
);

test.each(['', '!!!', '---', '/', '///', ',', '@', '   '])('safe(%j) is a value that passes', (text) => {
  expect(passed(toSafeText(text))).toBe('_');
});

test('safe() of a negative number passes, and is no other number', () => {
  const rule = aRule('parameters: { x: "${safe(event.data.raw.n)}.${safe(-5)}" }');
  const request = renderRule(rule, anAlert({ raw: { n: -5.5 } }), { now: NOW });
  expect(request).toMatchObject({ action: 'run', target: { parameters: { x: '_5.5._5' } } });
});

test('safe() makes any text one that passes, and leaves one that passes alone', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), PLAIN), (text) => {
      const safe = toSafeText(text);
      expect(passed(safe)).toBe(safe);
      if (passed(text) !== undefined) expect(safe).toBe(text);
    }),
    { numRuns: 2000 },
  );
});
