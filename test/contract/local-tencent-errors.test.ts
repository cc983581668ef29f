/** Every error code of the four documents: what causes it here, or why nothing does, asked by the vendor's SDK. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CANNOT_BE_CAUSED, CAUSES, type Cause } from './local-tencent-causes.ts';
import { known, type LocalTat, startTat } from './local-tencent-server.ts';

/** The rows of the document's last table. */
function documentedCodes(action: string): string[] {
  const file = new URL(`../fixtures/api-docs/tencent-tat-${action}.txt`, import.meta.url);
  const [, table = ''] = readFileSync(file, 'utf8').split('Error Code Description\n');
  return table.split('\n').flatMap((line) => line.match(/^[A-Z][A-Za-z.]+(?= [A-Z].*\.$)/)?.[0] ?? []);
}

const COUNTS = { InvokeCommand: 37, CancelInvocation: 16, DescribeInvocationTasks: 14, CreateInvoker: 19 };

describe.each(['InvokeCommand', 'CancelInvocation', 'DescribeInvocationTasks', 'CreateInvoker'] as const)(
  '%s',
  (action) => {
    let tat: LocalTat;
    let invocationId: string;
    beforeAll(async () => {
      tat = await startTat({
        cosBuckets: ['logs-1250000000'],
        credentials: [
          { secretId: 'local', secretKey: 'local-secret' },
          { secretId: 'nobody', secretKey: 'nobody-secret', actions: [] },
        ],
      });
      const { InvocationId } = await tat.client().InvokeCommand({
        CommandId: 'cmd-sleep001',
        InstanceIds: ['ins-local001'],
        Parameters: '{"seconds":"300"}',
      });
      invocationId = known(InvocationId);
    });

    const clientFor = ({ by, region }: Cause) =>
      tat.client({
        ...(by !== undefined && { secretId: 'nobody', secretKey: 'nobody-secret' }),
        ...(region !== undefined && { region }),
      });

    it.each(CAUSES[action])('answers $code to $body', async (cause) => {
      const isOfOurs = 'InvocationId' in cause.body && cause.body.InvocationId === 'INVOCATION';
      const body = isOfOurs ? { ...cause.body, InvocationId: invocationId } : cause.body;
      expect(await tat.codeOf(action, body, clientFor(cause))).toBe(cause.code);
    });

    it('has all of its documented codes in one of the two tables, and none in both', () => {
      const documented = documentedCodes(action);
      expect(documented.length).toBe(COUNTS[action]);
      const caused = new Set(CAUSES[action].map(({ code }) => code));
      const reasons = CANNOT_BE_CAUSED[action];
      expect(documented.filter((code) => caused.has(code) === Object.hasOwn(reasons, code))).toEqual([]);
      expect(Object.keys(reasons).filter((code) => !documented.includes(code))).toEqual([]);
    });

    it.each(Object.keys(CANNOT_BE_CAUSED[action]))('answers %s when a fault says so', async (code) => {
      tat.server.faults.add({ kind: 'error', action, code });
      expect(await tat.codeOf(action, {})).toBe(code);
    });

    it('has started, cancelled and scheduled nothing by all that', async () => {
      const [invocations, invokers] = await Promise.all([
        tat.client().DescribeInvocations({}),
        tat.client().DescribeInvokers({}),
      ]);
      expect([invocations.TotalCount, invocations.InvocationSet?.[0]?.InvocationStatus]).toEqual([
        1,
        'RUNNING',
      ]);
      expect(invokers.TotalCount).toBe(0);
    });
  },
);
