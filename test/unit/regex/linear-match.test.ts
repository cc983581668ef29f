/** The regular expressions of rules: what they match, what they refuse, and that no text can hold them up. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern, type LinearPattern } from '../../../lib/regex/linear-match.ts';

function patternOf(source: string): LinearPattern {
  const compiled = compilePattern(source);
  if (!compiled.ok) throw new Error(compiled.problem);
  return compiled.pattern;
}

test.each([
  ['a+b', 'aaab', true],
  ['a{2,3}', 'aaaa', false],
  ['a{2,3}', 'aaa', true],
  ['a{2}', 'a', false],
  ['a{2,}', 'aaaaa', true],
  ['(a|b)*c', 'ababc', true],
  ['(?:ab)?c', 'c', true],
  ['(|a)+', 'aa', true],
  ['[^a-c]+', 'xyz', true],
  ['[]', ']', undefined],
  ['[\\]a-]+', ']-a', true],
  ['\\d\\w\\s', '7_ ', true],
  ['[\\d.]+', '1.2.3', true],
  ['\\x41\\u00e9', 'Aé', true],
  ['.', '\n', false],
  ['.', '😀', true],
  ['(?i)h[e-f]llo', 'HELLO', true],
  ['^a$', 'a', true],
  // `$` is the end of the text, not the place before its last newline.
  ['^a$', 'a\n', false],
  ['a$b', 'ab', false],
  ['', '', true],
  ['', 'a', false],
])('%j matches the whole of %j: %j', (source, text, expected) => {
  const compiled = compilePattern(source);
  expect(compiled.ok ? compiled.pattern.matchWhole(text).isMatch : undefined).toBe(expected);
});

test.each([
  ['(?=a)b', 0, 'has a group that begins with (?'],
  ['a(b', 1, 'has a `(` that is never closed'],
  ['ab)', 2, 'has a `)` that closes nothing'],
  ['x[z-a]', 3, 'has a range in [ ] that is not from low to high'],
  ['a**', 0, 'repeats what cannot be repeated'],
  ['(a)\\1', 3, 'has \\1, which is not known here'],
  ['+', 0, 'has a `+` with nothing before it'],
  ['a{3,2}', 1, 'has a count that is not from low to high'],
  ['a{x', 1, 'has a `{` that is no count'],
  ['a{1000}{2}', 0, 'repeats what cannot be repeated'],
  ['((a{100}){100})', 0, 'is too large'],
  ['[[:alpha:]]', 1, 'has a [:class:]'],
  ['a\\', 2, 'ends with a backslash'],
  ['x'.repeat(1001), 0, 'is longer than 1000 characters'],
  ['('.repeat(60) + ')'.repeat(60), 50, 'is nested more than 50 deep'],
])('%j is refused at character %i', (source, offset, problem) => {
  expect(compilePattern(source)).toEqual({ ok: false, offset, problem: expect.stringContaining(problem) });
});

test('says how much of the text could have been the beginning of a match', () => {
  expect(patternOf('[a-z]{1,8}').matchWhole('web;rm')).toEqual({ isMatch: false, reached: 3 });
  expect(patternOf('ab+c').matchWhole('abb')).toEqual({ isMatch: false, reached: 3 });
});

/** Patterns and texts over few characters, so that many of them match. */
const leaf = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', 'é', '\\b', '^', '$');
const { node } = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{0,2}', '{2}', '*?'))
      .map(([a, count]) => `(?:${a})${count}`),
  ),
}));
const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '-', '\n', 'é', '😀'), maxLength: 12 });

test('agrees with JavaScript’s own regular expressions', () => {
  fc.assert(
    fc.property(node, subject, (source, text) => {
      const pattern = patternOf(source);
      expect([pattern.isIn(text), pattern.matchWhole(text).isMatch]).toEqual([
        new RegExp(source, 'u').test(text),
        new RegExp(`^(?:${source})$`, 'u').test(text),
      ]);
    }),
    { numRuns: 2000 },
  );
});

test.each(['(a+)+$', '(a|aa)+$', '(.*a){12}$', 'a*a*a*a*a*b', '(a?){30}a{30}b'])(
  '%j takes time in proportion to the text',
  (source) => {
    const pattern = patternOf(source);
    const text = `${'a'.repeat(8000)}!`;
    const start = performance.now();
    pattern.matchWhole(text);
    // Backtracking would need longer than the universe has; the bound only has to tell the two apart.
    expect(performance.now() - start).toBeLessThan(5000);
  },
);
