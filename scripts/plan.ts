/**
 * What a deployment would change, asked of CloudFormation by a change set that is thrown away again. The client comes with
 * `serverless`, which deploys by it; the lockfile pins it.
 */
import {
  type Change,
  type CloudFormationClient,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  paginateDescribeChangeSet,
  waitUntilChangeSetCreateComplete,
} from '@aws-sdk/client-cloudformation';

export interface PlannedChange {
  action: string;
  logicalId: string;
  type: string;
  /** `True`, or `Conditional`: it depends on what is known only then. */
  replacement?: string;
  /** The properties that differ. */
  because: string[];
}

export type Plan = { kind: 'new' } | { kind: 'update'; changes: PlannedChange[] };

export interface PlanOptions {
  client: CloudFormationClient;
  stackName: string;
  template: string;
  /** Puts the template, which is too large for a request, into the deployment's bucket. @returns its URL */
  upload: (bucket: string, template: string) => Promise<string>;
  changeSetName: string;
}

const MAX_WAIT_SECONDS = 300;

export async function planOf({
  client,
  stackName,
  template,
  upload,
  changeSetName,
}: PlanOptions): Promise<Plan> {
  if (!(await isThere(client, stackName))) return { kind: 'new' };
  const { StackResourceDetail } = await client.send(
    new DescribeStackResourceCommand({
      StackName: stackName,
      LogicalResourceId: 'ServerlessDeploymentBucket',
    }),
  );
  const bucket = StackResourceDetail?.PhysicalResourceId ?? '';
  const set = { StackName: stackName, ChangeSetName: changeSetName };
  const TemplateURL = await upload(bucket, template);
  await client.send(
    new CreateChangeSetCommand({
      ...set,
      ChangeSetType: 'UPDATE',
      TemplateURL,
      Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
      Description: 'npm run deploy: a plan, which is not executed',
    }),
  );
  try {
    await waitUntilChangeSetCreateComplete({ client, maxWaitTime: MAX_WAIT_SECONDS }, set).catch(
      async (thrown: unknown) => {
        // A set without changes ends as FAILED.
        const { reason } = await changesOf(client, set);
        if (/didn't contain changes|No updates are to be performed/.test(reason)) return;
        throw new Error(`CloudFormation makes no plan of it: ${reason || String(thrown)}`);
      },
    );
    const { changes } = await changesOf(client, set);
    return { kind: 'update', changes };
  } finally {
    await client.send(new DeleteChangeSetCommand(set));
  }
}

/** For people, a line for each change. */
export function linesOf(plan: Plan, template: string): string[] {
  if (plan.kind === 'new') {
    const types = Object.values<{ Type: string }>(JSON.parse(template).Resources).map(({ Type }) => Type);
    const counts = [...new Set(types)]
      .toSorted()
      .map((type) => `  + ${types.filter((it) => it === type).length} ${type}`);
    return [`There is no such deployment yet. It makes ${types.length} resources:`, ...counts];
  }
  if (plan.changes.length === 0) return ['Nothing changes but, maybe, the functions’ code.'];
  return plan.changes.map(({ action, logicalId, type, replacement, because }) => {
    const sign = { Add: '+', Remove: '-' }[action] ?? (replacement === undefined ? '~' : '!');
    const why = because.length > 0 ? ` (${because.join(', ')})` : '';
    const how = replacement === undefined ? '' : replacement === 'True' ? ': REPLACED' : ': REPLACED, MAYBE';
    return `  ${sign} ${logicalId} ${type}${why}${how}`;
  });
}

/** What holds something of somebody, and would be another, or gone. */
export function lossesOf(plan: Plan): string[] {
  if (plan.kind === 'new') return [];
  const holds = new Set(['AWS::SQS::Queue', 'AWS::DynamoDB::Table', 'AWS::S3::Bucket']);
  return plan.changes.flatMap(({ action, logicalId, type, replacement }) =>
    holds.has(type) && (action === 'Remove' || replacement !== undefined) ? [logicalId] : [],
  );
}

async function isThere(client: CloudFormationClient, StackName: string): Promise<boolean> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return Stacks.some(({ StackStatus }) => StackStatus !== 'REVIEW_IN_PROGRESS');
  } catch (thrown) {
    if (thrown instanceof Error && /does not exist/.test(thrown.message)) return false;
    throw thrown;
  }
}

async function changesOf(
  client: CloudFormationClient,
  set: { StackName: string; ChangeSetName: string },
): Promise<{ changes: PlannedChange[]; reason: string }> {
  const changes: PlannedChange[] = [];
  let reason = '';
  for await (const { Changes = [], StatusReason = '' } of paginateDescribeChangeSet({ client }, set)) {
    changes.push(...Changes.map(plannedChange));
    reason = StatusReason;
  }
  return { changes, reason };
}

function plannedChange({ ResourceChange = {} }: Change): PlannedChange {
  const {
    Action = '',
    LogicalResourceId = '',
    ResourceType = '',
    Replacement,
    Details = [],
  } = ResourceChange;
  const because = Details.flatMap(({ Target }) => Target?.Name ?? Target?.Attribute ?? []);
  return {
    action: Action,
    logicalId: LogicalResourceId,
    type: ResourceType,
    ...(Replacement !== undefined && Replacement !== 'False' && { replacement: Replacement }),
    because: [...new Set(because)].toSorted(),
  };
}
