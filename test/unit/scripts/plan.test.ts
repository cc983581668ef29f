/** `npm run deploy` shows what would change before anything does. */
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { linesOf, lossesOf, planOf } from '../../../scripts/plan.ts';

const TEMPLATE = JSON.stringify({
  Resources: {
    A: { Type: 'AWS::SQS::Queue' },
    B: { Type: 'AWS::SQS::Queue' },
    C: { Type: 'AWS::IAM::Role' },
  },
});

/** CloudFormation with this change set, or without the stack; says what it was asked. */
function account(changeSet: object | undefined) {
  const asked: string[] = [];
  const client = new CloudFormationClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const answers: [new (input: never) => object, () => object][] = [
    [
      DescribeStacksCommand,
      () => {
        if (changeSet === undefined) throw new Error('Stack with id fleet-reflex-prod does not exist');
        return { Stacks: [{ StackStatus: 'UPDATE_COMPLETE' }] };
      },
    ],
    [DescribeStackResourceCommand, () => ({ StackResourceDetail: { PhysicalResourceId: 'a-bucket' } })],
    [CreateChangeSetCommand, () => ({})],
    [DescribeChangeSetCommand, () => changeSet ?? {}],
    [DeleteChangeSetCommand, () => ({})],
  ];
  client.middlewareStack.add(
    (_next, { commandName = '' }) =>
      async () => {
        asked.push(commandName);
        const answer = answers.find(([command]) => command.name === commandName);
        if (answer === undefined) throw new Error(`nobody expected ${commandName}`);
        return { output: { $metadata: {}, ...answer[1]() }, response: {} };
      },
    { step: 'initialize', priority: 'high' },
  );
  const uploaded: string[] = [];
  const plan = () =>
    planOf({
      client,
      stackName: 'fleet-reflex-prod',
      template: TEMPLATE,
      changeSetName: 'plan-1',
      upload: async (bucket, template) => {
        uploaded.push(`${bucket}: ${template}`);
        return 'https://a-bucket.example/template.json';
      },
    });
  return { plan, asked, uploaded };
}

const change = (Action: string, LogicalResourceId: string, ResourceType: string, more: object = {}) => ({
  Type: 'Resource',
  ResourceChange: { Action, LogicalResourceId, ResourceType, ...more },
});

describe('a plan', () => {
  it('names each change, says what is replaced, and executes nothing', async () => {
    const { plan, asked, uploaded } = account({
      Status: 'CREATE_COMPLETE',
      Changes: [
        change('Add', 'RunsAgeAlarm', 'AWS::CloudWatch::Alarm'),
        change('Modify', 'RunsQueue', 'AWS::SQS::Queue', {
          Replacement: 'True',
          Details: [{ Target: { Attribute: 'Properties', Name: 'QueueName' } }],
        }),
        change('Modify', 'PollerLambdaFunction', 'AWS::Lambda::Function', {
          Replacement: 'False',
          Details: [{ Target: { Name: 'Code' } }, { Target: { Name: 'Code' } }],
        }),
        change('Remove', 'OldRole', 'AWS::IAM::Role'),
      ],
    });
    const made = await plan();
    expect(linesOf(made, TEMPLATE)).toEqual([
      '  + RunsAgeAlarm AWS::CloudWatch::Alarm',
      '  ! RunsQueue AWS::SQS::Queue (QueueName): REPLACED',
      '  ~ PollerLambdaFunction AWS::Lambda::Function (Code)',
      '  - OldRole AWS::IAM::Role',
    ]);
    expect(lossesOf(made)).toEqual(['RunsQueue']);
    expect(uploaded).toEqual([`a-bucket: ${TEMPLATE}`]);
    expect(asked).not.toContain(ExecuteChangeSetCommand.name);
    expect(asked.at(-1)).toBe(DeleteChangeSetCommand.name);
  });

  it('of what is deployed already is empty', async () => {
    const { plan, asked } = account({
      Status: 'FAILED',
      StatusReason: "The submitted information didn't contain changes.",
    });
    expect(await plan()).toEqual({ kind: 'update', changes: [] });
    expect(asked.at(-1)).toBe(DeleteChangeSetCommand.name);
  });

  it('that CloudFormation refuses says why, and leaves no change set', async () => {
    const { plan, asked } = account({ Status: 'FAILED', StatusReason: 'Template error: no such Ref' });
    await expect(plan()).rejects.toThrow('Template error: no such Ref');
    expect(asked.at(-1)).toBe(DeleteChangeSetCommand.name);
  });

  it('of a first deployment counts what is made, and makes no change set', async () => {
    const { plan, asked } = account(undefined);
    const made = await plan();
    expect(linesOf(made, TEMPLATE)).toEqual([
      'There is no such deployment yet. It makes 3 resources:',
      '  + 1 AWS::IAM::Role',
      '  + 2 AWS::SQS::Queue',
    ]);
    expect(lossesOf(made)).toEqual([]);
    expect(asked).toEqual([DescribeStacksCommand.name]);
  });
});

it.each([
  ['a queue that is replaced', 'Modify', 'AWS::SQS::Queue', 'True', true],
  ['a table that may be replaced', 'Modify', 'AWS::DynamoDB::Table', 'Conditional', true],
  ['a bucket that is removed', 'Remove', 'AWS::S3::Bucket', undefined, true],
  ['a queue that is changed where it is', 'Modify', 'AWS::SQS::Queue', undefined, false],
  ['a role that is replaced', 'Modify', 'AWS::IAM::Role', 'True', false],
])('%s is a loss: %s', (_, action, type, replacement, isLoss) => {
  const changes = [{ action, logicalId: 'It', type, because: [], ...(replacement && { replacement }) }];
  expect(lossesOf({ kind: 'update', changes })).toEqual(isLoss ? ['It'] : []);
});
