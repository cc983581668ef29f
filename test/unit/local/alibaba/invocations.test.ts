import { expect, test } from 'vitest';
import { ApiError } from '../../../../local/alibaba/api-error.ts';
import { createCommandStore } from '../../../../local/alibaba/commands.ts';
import {
  aTask,
  createInvocationStore,
  type InvocationRecord,
} from '../../../../local/alibaba/invocations.ts';

const START = new Date('2026-11-20T12:00:00Z');

function aStore() {
  let now = START;
  const commands = createCommandStore([], { now: () => now, newId: (prefix) => `${prefix}-1` });
  const command = commands.add({
    regionId: 'cn-hangzhou',
    name: 'any',
    type: 'RunShellScript',
    description: '',
    content: 'true',
    enableParameter: false,
    defaultParameters: {},
    timeoutSeconds: 60,
    tags: [],
    isKept: true,
  });
  const store = createInvocationStore({ now: () => now });
  const add = (invokeId: string): InvocationRecord =>
    store.add({
      invokeId,
      regionId: 'cn-hangzhou',
      command,
      content: 'true',
      parameters: {},
      repeatMode: 'Once',
      frequencyText: '',
      timeoutSeconds: 60,
      username: '',
      workingDir: '',
      launcher: '',
      containerId: '',
      containerName: '',
      terminationMode: 'Process',
      ossOutputDelivery: '',
      resourceGroupId: '',
      tags: [],
      createdAt: now,
      tasks: [aTask('i-a', 'Success', now)],
    });
  return {
    store,
    add,
    later: (ms: number) => {
      now = new Date(now.getTime() + ms);
    },
  };
}

test('10,000 records are kept, the newest', () => {
  const { store, add } = aStore();
  for (let index = 0; index <= 10_000; index += 1) add(`t-${index}`);
  const all = store.list('cn-hangzhou');
  expect([all.length, all[0]?.invokeId, all.at(-1)?.invokeId]).toEqual([10_000, 't-10000', 't-1']);
  expect(() => store.get('t-0', 'cn-hangzhou')).toThrow(ApiError);
});

test('records are kept for 30 days, to the millisecond', () => {
  const { store, add, later } = aStore();
  add('t-old');
  later(30 * 86_400_000);
  add('t-new');
  expect(store.list('cn-hangzhou').map(({ invokeId }) => invokeId)).toEqual(['t-new', 't-old']);
  later(1);
  expect(store.list('cn-hangzhou').map(({ invokeId }) => invokeId)).toEqual(['t-new']);
  expect(() => store.get('t-old', 'cn-hangzhou')).toThrow(
    expect.objectContaining({ code: 'InvalidInvokeId.NotFound' }),
  );
});
