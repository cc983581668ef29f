/** Facts of TAT that rules and configuration need without a call (InvokeCommand, CreateInvoker). */
import * as z from 'zod';
import { secretReference } from '../../setting-forms.ts';
import type { ProviderFacts } from '../facts.ts';
import { splitInstances } from './instances.ts';

export const MAX_INSTANCES_TO_INVOKE = 200;

const endpoint = () =>
  z
    .string()
    .refine(
      (url) => /^https?:/.test(url) && URL.canParse(url.replaceAll('{region}', 'ap-guangzhou')),
      'expected a URL, http:// or https://',
    );

export const SETTINGS = {
  TENCENTCLOUD_SECRET_ID: () => z.string().min(1).optional().describe('Tencent Cloud: SecretId.'),
  TENCENTCLOUD_SECRET_KEY: () => z.string().min(1).optional().describe('Tencent Cloud: SecretKey.'),
  TENCENTCLOUD_SESSION_TOKEN: () =>
    z.string().min(1).optional().describe('Tencent Cloud: the token of temporary credentials.'),
  TENCENT_CREDENTIALS: () =>
    secretReference()
      .optional()
      .describe(
        'Instead of the three: `ssm:<name>` or `secretsmanager:<id>` of a JSON object `{"secretId", "secretKey", "token"?}`, read again every SECRETS_MAX_AGE_SECONDS.',
      ),
  TENCENT_ENDPOINT: () =>
    endpoint()
      .optional()
      .describe(
        'The TAT API. Default: the international site; mainland is https://tat.tencentcloudapi.com; `https://tat.{region}.tencentcloudapi.com` is each region’s own.',
      ),
  TENCENT_CVM_ENDPOINT: () =>
    endpoint()
      .optional()
      .describe(
        'The CVM API, which says which instances a tagged fleet has. Default: that of TENCENT_ENDPOINT, with `cvm.` in the place of `tat.`.',
      ),
  TENCENT_LANGUAGE: () =>
    z
      .enum(['en-US', 'zh-CN'], 'expected en-US or zh-CN')
      .default('en-US')
      .describe('The language of TAT’s messages (X-TC-Language).'),
} as const;

const terminationMode = 'TAT always ends all that a command started; leave it out';

export const tencent: ProviderFacts = {
  name: 'tencent',
  title: 'Tencent Cloud TAT',
  instance: { form: /^(ins|lhins|rins)-[0-9A-Za-z]{1,64}$/, example: 'ins-…, lhins-… or rins-…' },
  command: { form: /^cmd-[0-9A-Za-z]{1,64}$/, example: 'cmd-…' },
  split: (instances) => splitInstances(instances, MAX_INSTANCES_TO_INVOKE),
  maxParameters: 20,
  minTimeoutSeconds: 1,
  // The vendor takes 10; some are ours.
  maxTags: 7,
  fleetTags: {
    // The filters of one request.
    max: 10,
    key: { form: /^.{1,127}$/u, example: 'a key of 1 to 127 characters' },
    maxValue: 255,
    ifEmpty: 'CVM is asked: Lighthouse and registered instances have no tags here, list those.',
  },
  bucket: {
    form: /^https:\/\/[a-z0-9][a-z0-9-]*-\d+\.cos\.[a-z0-9-]+\.myqcloud\.com$/i,
    expected: 'the URL of a COS bucket like https://logs-123454321.cos.ap-beijing.myqcloud.com',
    maxPrefix: 60,
  },
  lacks: { terminationMode, tags: 'InvokeCommand of TAT takes no tags; leave them out' },
  schedules: {
    // CreateInvoker takes only name, command, instances, user, parameters, time settings and tags.
    lacks: {
      terminationMode,
      output: 'CreateInvoker of TAT takes no bucket: name it in the stored command (OutputCOSBucketUrl)',
      timeout: 'CreateInvoker of TAT takes no timeout: set that of the stored command',
      workingDirectory: 'CreateInvoker of TAT takes no directory: set that of the stored command',
    },
    maxInstances: 100,
    zone: 'Asia/Shanghai',
    isOfOneKind: true,
    endsWithFailure: false,
  },
  settings: SETTINGS,
};
