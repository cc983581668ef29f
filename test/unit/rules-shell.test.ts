/**
 * The promise behind the default pattern, tried on a real shell: a value that passes is one plain word to it. The
 * providers paste values into scripts just like this.
 */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderRule } from '../../lib/rules/render.ts';
import { toSafeText } from '../../lib/rules/safe-text.ts';
import { anAlert, aRule, NOW } from './rules-events.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
const RULE = aRule('parameters: { x: "${event.data.name}" }');

/** The value as the provider would get it; undefined when the run is rejected. */
function passed(value: string): string | undefined {
  const request = renderRule(RULE, anAlert({ name: value }), { now: NOW });
  if (request.action === 'run') return request.parameters['x'];
  expect(request).toMatchObject({ action: 'reject', reason: { code: 'parameters.unsafe' } });
  return undefined;
}

/** What `echo {{x}}` prints for each value, in one shell. */
function echoed(values: readonly string[]): string[] {
  const script = values.map((value) => `echo ${value}\n`).join('');
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: { PATH: '/bin:/usr/bin' } })
    .split('\n')
    .slice(0, -1);
}

/** What means something to sh, PowerShell or cmd: alone each has to stop a value. */
const META = [...';&|<>()$`\\"\'*?[]{}!#~^% \t\n\r\0', '\u2028', '\u00a0', '\u202e', '；', '‘', '\u0085'];

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
  unit: fc.constantFrom(...'azAZ09_.,:@/+=-'),
  maxLength: 40,
});

test('sh prints a value that passes exactly as it is', () => {
  const samples = fc
    .sample(fc.oneof(PLAIN, fc.string({ unit: 'binary-ascii', maxLength: 6 })), { numRuns: 4000, seed: 7 })
    .flatMap((value) => passed(value) ?? []);
  expect(samples.length).toBeGreaterThan(500);
  expect(echoed(samples)).toEqual(samples);
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
