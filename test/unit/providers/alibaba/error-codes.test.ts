import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CODES, explainErrorCode } from '../../../../lib/providers/alibaba/error-codes.ts';
import {
  INSTANCE_ERROR_ADVICE,
  NEVER_STARTED_CODES,
} from '../../../../lib/providers/alibaba/instance-errors.ts';
import { isRetryable, mayHaveTakenEffect } from '../../../../lib/providers/call-outcome.ts';
import { apiError, MESSAGES } from '../../../../local/alibaba/api-error.ts';

const DOCUMENT = readFileSync(
  new URL('../../../fixtures/api-docs/alibaba-ecs-DescribeInvocations.txt', import.meta.url),
  'utf8',
);

/** The lines `400 Code.Name message …` after the heading `Error codes`. */
function documentedApiErrors(): { httpStatus: number; code: string }[] {
  const table = DOCUMENT.slice(DOCUMENT.lastIndexOf('\nError codes\n'));
  return [...table.matchAll(/^(\d{3}) ([\w.]+) /gm)].map(([, status, code]) => ({
    httpStatus: Number(status),
    code: code ?? '',
  }));
}

/** The bullets under the response element `ErrorCode`. */
function documentedInstanceErrors(): string[] {
  const start = DOCUMENT.indexOf(
    'The error code indicating why the command failed to be delivered or executed.',
  );
  const list = DOCUMENT.slice(start, DOCUMENT.indexOf('StopTime', start));
  return [...list.matchAll(/• (\w+):/g)].map(([, code]) => code ?? '').filter((code) => code !== 'empty');
}

test('the local server answers the document’s status and message for each code', () => {
  const table = DOCUMENT.slice(DOCUMENT.lastIndexOf('\nError codes\n'));
  const answered = documentedApiErrors().map(({ code }) => {
    const { httpStatus, message } = apiError(code);
    return `${httpStatus} ${code} ${message}`;
  });
  expect(answered.filter((line) => !table.includes(`\n${line} `) && !table.includes(`\n${line}\n`))).toEqual(
    [],
  );
});

test('the local server has no error that the client does not know', () => {
  expect(Object.keys(MESSAGES).filter((code) => !ERROR_CODES.has(code))).toEqual([]);
});

test('the extract of the document is read as expected', () => {
  expect(documentedApiErrors()).toHaveLength(13);
  expect(documentedInstanceErrors()).toHaveLength(18);
});

test.each(documentedApiErrors())('$code of the document is known, with HTTP $httpStatus', (documented) => {
  expect(ERROR_CODES.get(documented.code)).toMatchObject({
    ...documented,
    advice: expect.stringMatching(/\w{3}.*\.$/),
  });
});

test.each(documentedInstanceErrors())('instance error %s of the document has advice', (code) => {
  expect(INSTANCE_ERROR_ADVICE[code]).toMatch(/\w{3}.*\.$/);
});

test('there is no advice for instance errors that the document does not have', () => {
  expect(Object.keys(INSTANCE_ERROR_ADVICE).sort()).toEqual(documentedInstanceErrors().sort());
  expect([...NEVER_STARTED_CODES].filter((code) => !documentedInstanceErrors().includes(code))).toEqual([]);
});

// The tables of the other actions, as their documents stood in 2025-12.
test.each(
  `InvalidParameter.WorkingDir MissingParam.InstanceId InvalidContainerId.Malformed InvalidContainerName.Malformed
  InvalidClientToken.Malformed InvalidInstance.NotMatch MissingParam.Frequency InvalidParam.Frequency
  Parameter.MissingValue Parameter.Disabled InvalidParameter.Parameters NumberExceed.ResourceTags
  MissingParameter.ResourceTagKey InvalidResourceTagKey.Malformed InvalidResourceTagValue.Malformed
  Duplicate.ResourceTagKey InvalidResourceTag.InstanceNotFound InvalidResourceTag.ConflictWithInstanceIds
  InstanceIds.ExceedLimit Invocation.ExceedQuota ParameterCount.ExceedLimit ParameterKey.ExceedLimit
  CmdContent.ExceedLimit ParameterKey.Duplicate Parameter.NotMatched ParameterType.NotSupported
  Username.ExceedLimit WindowsPasswordName.ExceedLimit WindowsPasswordName.Missed ParameterStore.NotSupported
  TemporaryAccessKey.Error ParameterStore.InvalidParameters ParameterStore.NoPermission Operation.Forbidden
  IdempotentParameterMismatch IdempotentProcessing InvalidLauncher.LengthLimitExceeded
  InvalidParameterCharset.Parameters InvalidRepeatMode.NotFound InvalidRegionId.NotFound InvalidInstance.NotFound
  InvalidCmdId.NotFound InvalidResourceGroup.NotFound InvalidTerminationMode.NotFound InternalError.Dispatch
  InvalidInvokeId.NotFound InvalidInstanceId.NotFound InvalidCmdType.NotFound CmdName.ExceedLimit
  CmdDesc.ExceedLimit CmdCount.ExceedQuota CmdContent.DecodeError CmdParam.EmptyKey CmdParam.InvalidParamName
  CmdParamCount.ExceedLimit CmdParamName.ExceedLimit InvalidTimeout.ExceedLimit Username.NotSupportWindows
  InvalidOperation.InvokeAlreadyFinished InvalidOperation.RepeatModeUnsupported InvalidParameter.Frequency
  InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive SignatureDoesNotMatch SignatureNonceUsed
  InvalidTimeStamp.Expired InvalidTimeStamp.Format MissingSecurityToken InvalidSecurityToken.Expired
  InvalidSecurityToken.Malformed InvalidSecurityToken.MismatchWithAccessKey MissingParameter InvalidVersion
  InvalidAction.NotFound Forbidden.RAM NoPermission Throttling Throttling.User Throttling.Api InternalError
  ServiceUnavailable`.split(/\s+/),
)('%s of the other actions is in the table', (code) => {
  expect(ERROR_CODES.has(code)).toBe(true);
});

test.each([
  { code: 'Throttling.Region.Weekly', status: 400, kind: 'throttled', mayRetry: true, mayHappen: false },
  { code: 'RequestThrottling', status: 503, kind: 'throttled', mayRetry: true, mayHappen: false },
  { code: 'Whatever', status: 429, kind: 'throttled', mayRetry: true, mayHappen: false },
  { code: 'InternalError.Dispatch', status: 500, kind: 'server', mayRetry: true, mayHappen: true },
  { code: 'ServiceUnavailable', status: 503, kind: 'server', mayRetry: true, mayHappen: true },
  { code: 'Never.Seen', status: 502, kind: 'server', mayRetry: true, mayHappen: true },
  { code: 'IdempotentProcessing', status: 403, kind: 'inProgress', mayRetry: true, mayHappen: true },
  {
    code: 'IdempotentParameterMismatch',
    status: 403,
    kind: 'idempotence',
    mayRetry: false,
    mayHappen: false,
  },
  { code: 'SignatureNonceUsed', status: 400, kind: 'replayed', mayRetry: true, mayHappen: true },
  { code: 'InvalidInstance.NotMatch', status: 400, kind: 'unavailable', mayRetry: false, mayHappen: false },
  { code: 'Forbidden.SubUser', status: 403, kind: 'permission', mayRetry: false, mayHappen: false },
  { code: 'InvalidSomething.NotFound', status: 404, kind: 'notFound', mayRetry: false, mayHappen: false },
  { code: 'Never.Seen', status: 400, kind: 'parameter', mayRetry: false, mayHappen: false },
  { code: 'constructor', status: 400, kind: 'parameter', mayRetry: false, mayHappen: false },
])('$code with HTTP $status is $kind', ({ code, status, kind, mayRetry, mayHappen }) => {
  const explained = explainErrorCode(code, status);
  expect({
    kind: explained.kind,
    mayRetry: isRetryable(explained.class),
    mayHappen: mayHaveTakenEffect(explained.class),
  }).toEqual({ kind, mayRetry, mayHappen });
});
