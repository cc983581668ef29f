import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { INSTANCE_ERROR_ADVICE } from '../../../../lib/providers/alibaba/instance-errors.ts';
import { INSTANCE_STATUSES, mapInstanceStatus } from '../../../../lib/providers/alibaba/task-status.ts';

test('the twelve states are those of the document, in its order', () => {
  const text = readFileSync(
    new URL('../../../fixtures/api-docs/alibaba-ecs-DescribeInvocations.txt', import.meta.url),
    'utf8',
  );
  const start = text.indexOf('The command execution status on a single instance. Possible values:');
  const list = text.slice(start, text.indexOf('InstanceId', start));
  const documented = [...list.matchAll(/• ([A-Z]\w+):/g)].map(([, status]) => status);
  expect(documented).toEqual([...INSTANCE_STATUSES]);
});

test.each([
  { vendor: 'Pending', status: 'queued', started: 'no' },
  { vendor: 'Scheduled', status: 'scheduled', started: 'no' },
  { vendor: 'Running', status: 'running', started: 'maybe' },
  { vendor: 'Stopping', status: 'stopping', started: 'maybe' },
  { vendor: 'Success', status: 'succeeded', started: 'yes' },
  { vendor: 'Failed', status: 'failed', started: 'yes' },
  { vendor: 'Timeout', status: 'timed_out', started: 'yes' },
  { vendor: 'Aborted', status: 'undelivered', started: 'no' },
  { vendor: 'Invalid', status: 'rejected', started: 'no' },
  { vendor: 'Error', status: 'lost', started: 'maybe' },
  { vendor: 'Cancelled', status: 'cancelled', started: 'no' },
  { vendor: 'Terminated', status: 'terminated', started: 'yes' },
  // The legacy word, another case, names of Object.prototype: never guessed, so polling goes on.
  { vendor: 'Finished', status: 'unknown', started: 'maybe' },
  { vendor: 'SUCCESS', status: 'unknown', started: 'maybe' },
  { vendor: 'constructor', status: 'unknown', started: 'maybe' },
  { vendor: '', status: 'unknown', started: 'maybe' },
])('$vendor is $status, started $started', ({ vendor, status, started }) => {
  expect(mapInstanceStatus(vendor)).toEqual({ status, started });
});

test.each(Object.keys(INSTANCE_ERROR_ADVICE))('Error with %s says whether it can have started', (code) => {
  const neverStarted = [
    'AccountNotExists',
    'DirectoryNotExists',
    'BadCronExpression',
    'CommandNotApplicable',
    'ClientNeedUpgrade',
  ].includes(code);
  expect(mapInstanceStatus('Error', code)).toEqual(
    neverStarted ? { status: 'rejected', started: 'no' } : { status: 'lost', started: 'maybe' },
  );
});

test.each([
  { vendor: 'Scheduled', repeats: 3, expected: { status: 'scheduled', started: 'yes' } },
  { vendor: 'Cancelled', repeats: 1, expected: { status: 'cancelled', started: 'yes' } },
  { vendor: 'Running', repeats: 3, expected: { status: 'running', started: 'maybe' } },
])('a recurring command that has run before and is $vendor has started', ({ vendor, repeats, expected }) => {
  expect(mapInstanceStatus(vendor, '', repeats)).toEqual(expected);
});
