/**
 * `npm run deploy -- --stage prod`: packages, shows what will change, asks, and deploys what was packaged.
 *
 *   --yes       does not ask
 *   --replace   also when a queue, a table or a bucket would be replaced or removed
 *   --plan      ends after the plan
 *
 * Whatever else is given goes to the Serverless Framework: --region, --param.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { linesOf, lossesOf, planOf } from './plan.ts';

const PACKAGED = '.serverless';

const { values, tokens } = parseArgs({
  options: {
    stage: { type: 'string' },
    region: { type: 'string' },
    param: { type: 'string', multiple: true },
    yes: { type: 'boolean' },
    replace: { type: 'boolean' },
    plan: { type: 'boolean' },
  },
  tokens: true,
});
const { stage, region = process.env['AWS_REGION'] ?? 'us-east-1' } = values;
process.exitCode = stage === undefined ? usage() : await deploy(stage);

function usage(): number {
  console.error('Which stage? npm run deploy -- --stage prod');
  return 2;
}

async function deploy(stage: string): Promise<number> {
  const forServerless = tokens.flatMap((token) =>
    token.kind === 'option' && ['stage', 'region', 'param'].includes(token.name) && token.value !== undefined
      ? [`--${token.name}`, token.value]
      : [],
  );
  if (serverless('package', ...forServerless) !== 0) return 1;
  const template = readFileSync(`${PACKAGED}/cloudformation-template-update-stack.json`, 'utf8');
  const stackName = `fleet-reflex-${stage}`;
  const plan = await planOf({
    client: new CloudFormationClient({ region }),
    stackName,
    template,
    changeSetName: `plan-${randomUUID()}`,
    upload,
  }).catch((thrown: unknown) => {
    console.error(
      `The plan of ${stackName} in ${region} cannot be made: ${thrown instanceof Error ? thrown.message : thrown}\nIt needs AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) that may make a change set of this stack (cloudformation:CreateChangeSet, …Describe…, …DeleteChangeSet) and write to its deployment bucket. Nothing was deployed. What was packaged is in ${PACKAGED}/; cloudformation-template-update-stack.json is the whole deployment.`,
    );
    return undefined;
  });
  if (plan === undefined) return 1;
  console.log(`\nThe plan for ${stackName} in ${region}:`);
  for (const line of linesOf(plan, template)) console.log(line);
  const losses = lossesOf(plan);
  if (losses.length > 0 && values.replace !== true) {
    console.error(
      `\nNot deployed: ${losses.join(', ')} would be replaced or removed, with what is in them. Queues from before 0.2 keep their names with \`params: { ${stage}: { queuePrefix: '' } }\` in serverless.yml: docs/deploying.md, "Several deployments". If it is meant: --replace.`,
    );
    return 1;
  }
  if (values.plan === true) return 0;
  if (values.yes !== true && !(await isWanted(stackName))) {
    console.error('Not deployed.');
    return 1;
  }
  return serverless('deploy', ...forServerless, '--package', PACKAGED);
}

function serverless(...args: string[]): number {
  const program = 'node_modules/serverless/bin/serverless.js';
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status ?? 1;
}

async function upload(Bucket: string, Body: string): Promise<string> {
  const Key = 'plan/template.json';
  await new S3Client({ region }).send(new PutObjectCommand({ Bucket, Key, Body }));
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://${Bucket}.s3.${region}.${domain}/${Key}`;
}

async function isWanted(stackName: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error('\nNobody is there to ask: --yes deploys it.');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`\nDeploy ${stackName}? (yes) `);
  terminal.close();
  return answer.trim() === 'yes';
}
