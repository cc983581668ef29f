/** Facts of Cloud Assistant that rules and configuration need without a call (InvokeCommand). */
import * as z from 'zod';
import { secretReference, url } from '../../setting-forms.ts';
import { inChunks } from '../chunks.ts';
import type { ProviderFacts } from '../facts.ts';

export const MAX_INSTANCES_PER_INVOCATION = 100;

export const SETTINGS = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: () => z.string().min(1).optional().describe('Alibaba Cloud: AccessKey id.'),
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: () =>
    z.string().min(1).optional().describe('Alibaba Cloud: AccessKey secret.'),
  ALIBABA_CLOUD_SECURITY_TOKEN: () =>
    z.string().min(1).optional().describe('Alibaba Cloud: the token of temporary credentials.'),
  ALIBABA_CREDENTIALS: () =>
    secretReference()
      .optional()
      .describe(
        'Instead of the three: `ssm:<name>` or `secretsmanager:<id>` of a JSON object `{"accessKeyId", "accessKeySecret", "securityToken"?}`.',
      ),
  ALIBABA_ENDPOINT: () =>
    url().optional().describe('The ECS API for every region. Default: https://ecs.<region>.aliyuncs.com.'),
  ALIBABA_TERMINATION_MODE: () =>
    z
      .enum(['Process', 'ProcessTree'])
      .default('ProcessTree')
      .describe(
        'What a stop or a time-out ends at Alibaba: only the script, or also the processes that it started. Agents that are too old for this answer ClientNeedUpgrade: upgrade them, or set Process.',
      ),
} as const;

export const alibaba: ProviderFacts = {
  name: 'alibaba',
  title: 'Alibaba Cloud Assistant',
  instance: { form: /^m?i-[0-9a-z]{1,64}$/, example: 'i-… or mi-…' },
  command: {
    // Public commands are referred to by name.
    form: /^(c-[0-9a-z]{1,64}|ACS-[0-9A-Za-z-]{1,64})$/,
    example: 'c-… (or the name of a public command, ACS-…)',
  },
  split: (instances) => inChunks([...new Set(instances)], MAX_INSTANCES_PER_INVOCATION),
  maxParameters: 10,
  minTimeoutSeconds: 10,
  // The vendor takes 20; some are ours.
  maxTags: 15,
  fleetTags: {
    max: 20,
    key: {
      form: /^(?!aliyun|acs:)(?!.*https?:\/\/).{1,128}$/iu,
      example:
        'a key of 1 to 128 characters that does not begin with aliyun or acs: and has no http:// in it',
    },
    maxValue: 128,
    ifEmpty: 'ECS is asked: managed instances (mi-…) have no tags here, list those.',
  },
  bucket: {
    form: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    expected: 'the name of an OSS bucket like ops-logs',
    maxPrefix: 512,
  },
  lacks: {},
  schedules: {
    lacks: {},
    maxInstances: 100,
    zone: 'UTC',
    isOfOneKind: false,
    // docs/status-model.md
    endsWithFailure: true,
  },
  settings: SETTINGS,
};
