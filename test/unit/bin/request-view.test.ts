/** Programs read what `rules test --json` prints: a request has its target's fields beside the others there. */
import { expect, test } from 'vitest';
import { requestView } from '../../../bin/commands/rules/request-view.ts';
import type { RunRequest } from '../../../lib/model/run-request.ts';
import { asVersion1 } from '../../fixtures/flat.ts';
import { aRunRequest } from '../../fixtures/run-world.ts';
import { aTimedRequest } from '../../fixtures/timed-requests.ts';

const SECRET = { parameters: { token: 'zqjzqj', text: 'web' }, secretParameters: ['token'] };
const SHOWN = { parameters: { token: '•••', text: 'web' }, secretParameters: ['token'] };
const SETTINGS = { timeoutSeconds: 30, workingDirectory: '/srv', username: 'deploy' };

test('of a run', () => {
  const request = aRunRequest({ ...SECRET, ...SETTINGS });
  expect(requestView(request)).toEqual({ ...asVersion1(request), ...SHOWN });
});

test('of a schedule, with what is said of how it is carried out in `execution`', () => {
  const request = aTimedRequest({ now: () => 0 }, { ...SECRET, ...SETTINGS });
  const { timeoutSeconds, workingDirectory, ...flat } = { ...asVersion1(request), ...SETTINGS };
  expect(requestView(request)).toEqual({
    ...flat,
    ...SHOWN,
    execution: { ...request.execution, timeoutSeconds, workingDirectory },
  });
});

test('of a rejection, with what is known of its target', () => {
  const { runId, rule, trigger, notify, requestedAt } = aRunRequest();
  const common = { runId, rule, trigger, notify, requestedAt, action: 'reject' as const };
  const reason = { code: 'x', message: 'x' };
  const target = { provider: 'tencent' as const, region: 'ap-guangzhou' };
  const request: RunRequest = { ...common, version: 2, reason, target };
  expect(requestView(request)).toEqual({ ...common, version: 1, reason, ...target });
});
