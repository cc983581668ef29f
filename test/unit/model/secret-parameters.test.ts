/** What is hidden of a secret, in texts and in what commands print. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conceal, concealOutput, shownParameters } from '../../../lib/model/secret-parameters.ts';

const secret = (value: string) => ({
  parameters: { token: value, service: 'web' },
  secretParameters: ['token'],
});
const printed = (value: string, output: string, isCut = false) =>
  Buffer.from(concealOutput(secret(value), Buffer.from(output), isCut)).toString();

describe('a secret', () => {
  it('is hidden among the parameters, however short', () => {
    expect(shownParameters(secret('x'))).toEqual({ token: '•••', service: 'web' });
    expect(shownParameters({ parameters: { token: 'x' } })).toEqual({ token: 'x' });
  });

  it.each([
    ['where it stands alone', 'abcdef', 'abcdef', '•••'],
    ['each time', 'abcdef', 'abcdef and abcdef', '••• and •••'],
    ['in JSON', 'a"b\\cdef', '{"token":"a\\"b\\\\cdef"}', '{"token":"•••"}'],
    ['in a URL', 'a b/c=d', '?token=a%20b%2Fc%3Dd', '?token=•••'],
    ['without the line feed that it ends with', 'abcdef\n', 'got abcdef.', 'got •••.'],
    ['in any script', 'пароль', 'это пароль!', 'это •••!'],
    ['not where it is shorter than 6 characters', 'abcde', 'abcde', 'abcde'],
    ['not where it is written otherwise', 'abcdef', 'ABCDEF', 'ABCDEF'],
  ])('is hidden in texts and outputs %s', (_, value, text, expected) => {
    expect(conceal(secret(value), text)).toBe(expected);
    expect(printed(value, text)).toBe(expected);
  });

  it('of two the longer is hidden first', () => {
    const of = { parameters: { a: 'abcdef', b: 'abcdefgh' }, secretParameters: ['a', 'b'] };
    expect(conceal(of, 'abcdefgh')).toBe('•••');
  });

  it('is hidden where an output was cut through it', () => {
    expect(printed('abcdefghij', 'defghij\nlog abcdefg', true)).toBe('•••\nlog •••');
    expect(printed('abcdefghij', 'defghij\nlog abcdefg', false)).toBe('defghij\nlog abcdefg');
  });

  it('is hidden among bytes that are no text, which stay as they are', () => {
    const output = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('abcdef'), Buffer.from([0xc3])]);
    const expected = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('•••'), Buffer.from([0xc3])]);
    expect(Buffer.from(concealOutput(secret('abcdef'), output, false))).toEqual(expected);
  });

  it('of 6 characters or more is in no output', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (value, before, after) => {
        // One that is a part of what stands for it cannot be hidden by it.
        fc.pre(!'•••'.includes(value) && !`${before}•••${after}`.includes(value));
        expect(conceal(secret(value), before + value + after)).not.toContain(value);
      }),
    );
  });
});
