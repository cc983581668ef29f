/** Every error code that a TAT document lists is known, with a class and advice; families catch what is not listed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ErrorClass, isRetryable, mayHaveTakenEffect } from '../../../../lib/providers/call-outcome.ts';
import { ERROR_CODES, explainErrorCode } from '../../../../lib/providers/tencent/error-codes.ts';

/** The rows between "Error Code Description" and the end: the extract of the document's section 6. */
function documentedCodes(action: string): string[] {
  const text = readFileSync(
    new URL(`../../../fixtures/api-docs/tencent-tat-${action}.txt`, import.meta.url),
    'utf8',
  );
  const [, table = ''] = text.split('Error Code Description\n');
  return table.split('\n').flatMap((line) => line.match(/^[A-Z][A-Za-z.]+(?= )/)?.[0] ?? []);
}

const COMMON =
  `ActionOffline AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.MFAFailure
  AuthFailure.SecretIdNotFound AuthFailure.SignatureExpire AuthFailure.SignatureFailure AuthFailure.TokenFailure
  AuthFailure.UnauthorizedOperation DryRunOperation FailedOperation InternalError InvalidAction InvalidParameter
  InvalidParameterValue InvalidRequest IpInBlacklist IpNotInWhitelist LimitExceeded MissingParameter NoSuchProduct
  NoSuchVersion RequestLimitExceeded RequestLimitExceeded.GlobalRegionUinLimitExceeded
  RequestLimitExceeded.IPLimitExceeded RequestLimitExceeded.UinLimitExceeded RequestSizeLimitExceeded ResourceInUse
  ResourceInsufficient ResourceNotFound ResourceUnavailable ResponseSizeLimitExceeded ServiceUnavailable
  UnauthorizedOperation UnknownParameter UnsupportedOperation UnsupportedProtocol UnsupportedRegion`.split(
    /\s+/,
  );

describe('TAT error codes', () => {
  it.each([
    ['InvokeCommand', 37],
    ['CreateInvoker', 19],
    ['DescribeInvocationTasks', 14],
    ['CancelInvocation', 16],
  ])('knows every code of the document of %s', (action, count) => {
    const codes = documentedCodes(action);
    expect(codes).toHaveLength(count);
    expect(codes.filter((code) => !ERROR_CODES.has(code))).toEqual([]);
  });

  it('knows every common code', () => {
    expect(COMMON.filter((code) => !ERROR_CODES.has(code))).toEqual([]);
  });

  it('has one sentence of advice for each', () => {
    const wrong = [...ERROR_CODES].filter(([, { advice }]) => !/^[A-Z].{20,}\.$/.test(advice));
    expect(wrong).toEqual([]);
  });

  it.each<[string, ErrorClass]>([
    ['RequestLimitExceeded.SomethingNew', 'throttled'],
    ['InternalError.SomethingNew', 'maybeDone'],
    ['ResourceUnavailable.SomethingNew', 'unavailable'],
    ['InvalidParameterValue.SomethingNew', 'invalid'],
    ['UnauthorizedOperation.SomethingNew', 'denied'],
    ['NeverHeardOf', 'maybeDone'],
    ['constructor', 'maybeDone'],
  ])('takes %s for %s', (code, errorClass) => {
    expect(explainErrorCode(code).class).toBe(errorClass);
  });

  it('repeats reads after what passes, and writes only when certainly nothing happened', () => {
    const classes = [...new Set([...ERROR_CODES.values()].map((meaning) => meaning.class))].sort();
    expect(classes.filter(isRetryable)).toEqual(['clock', 'maybeDone', 'throttled']);
    expect(classes.filter((name) => isRetryable(name) && !mayHaveTakenEffect(name))).toEqual([
      'clock',
      'throttled',
    ]);
  });
});
