/** Whether a destination of the rules is there is asked before a run needs it. */
import { CreateTopicCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountLooks, lookFor } from '../../../bin/commands/destinations/look-for.ts';
import type { DestinationRef } from '../../../lib/model/destination-ref.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { type LocalSqs, startSqs } from '../../fixtures/sqs.ts';

let sqs: LocalSqs;
let looks: ReturnType<typeof accountLooks>;
beforeAll(async () => {
  sqs = await startSqs();
  looks = accountLooks({ ...LOCAL_AWS, endpoint: sqs.endpoint });
  await looks.sqs.send(new CreateQueueCommand({ QueueName: 'ops' }));
  await looks.sqs.send(new CreateQueueCommand({ QueueName: 'fleet-reflex-prod-completions' }));
  await looks.sns.send(new CreateTopicCommand({ Name: 'audit' }));
  looks.events.middlewareStack.add(
    () => async () => ({ output: { $metadata: {}, Name: 'fleet' }, response: {} }),
    { step: 'initialize', priority: 'high' },
  );
  const logGroups = [{ logGroupName: '/fleet/events' }, { logGroupName: '/fleet/events-2' }];
  looks.logs.middlewareStack.add(() => async () => ({ output: { $metadata: {}, logGroups }, response: {} }), {
    step: 'initialize',
    priority: 'high',
  });
});
afterAll(() => sqs.stop());

it.each<[DestinationRef, string]>([
  [{ name: 'a', sqs: 'ops' }, 'there'],
  [{ name: 'a', sqs: 'nowhere' }, 'not there: create it, or correct `destinations` in the rules'],
  [{ name: 'a', sns: 'audit' }, 'there'],
  [{ name: 'a', sns: 'dit' }, 'not there: create it, or correct `destinations` in the rules'],
  [{ name: 'a', eventbridge: 'fleet' }, 'there'],
  [{ name: 'a', log: '/fleet/events' }, 'there'],
  [{ name: 'a', log: '/fleet' }, 'not there: create it, or correct `destinations` in the rules'],
  [{ name: 'a', webhook: 'https://hook.example/x' }, 'not asked'],
])('%o is %s', async (ref, found) => {
  expect(await lookFor(ref, looks)).toBe(found);
});

it.each([
  ['completions', 'fleet-reflex-prod-', 'there'],
  ['ops', 'fleet-reflex-prod-', 'there'],
  ['completions', 'fleet-reflex-dev-', 'not there: create it, or correct `destinations` in the rules'],
])('%s of a deployment whose queues begin with %s is %s', async (queue, prefix, found) => {
  expect(await lookFor({ name: 'a', sqs: queue }, looks, prefix)).toBe(found);
});
