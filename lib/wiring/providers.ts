/** The clouds, with the credentials that the configuration gives or names. */
import * as z from 'zod';
import type { ProvidersConfig, SecretsConfig } from '../config.ts';
import { FleetReflexError } from '../errors.ts';
import { alibabaProvider } from '../providers/alibaba/provider.ts';
import { alibabaSchedules } from '../providers/alibaba/schedules.ts';
import { tencentProvider } from '../providers/tencent/provider.ts';
import { tencentSchedules } from '../providers/tencent/schedules.ts';
import { readSecret } from '../secrets.ts';

const TencentSecret = z.object({
  secretId: z.string().min(1),
  secretKey: z.string().min(1),
  token: z.string().min(1).optional(),
});
const AlibabaSecret = z.object({
  accessKeyId: z.string().min(1),
  accessKeySecret: z.string().min(1),
  securityToken: z.string().min(1).optional(),
});

export function providersOf(config: ProvidersConfig & SecretsConfig) {
  const { TENCENT_ENDPOINT, TENCENT_LANGUAGE, ALIBABA_ENDPOINT, REQUEST_SHARES: requestShares } = config;
  return {
    tencent: tencentProvider({
      credentials: () => tencentCredentials(config),
      language: TENCENT_LANGUAGE,
      requestShares,
      ...(TENCENT_ENDPOINT !== undefined && { endpoint: TENCENT_ENDPOINT }),
    }),
    alibaba: alibabaProvider({
      credentials: () => alibabaCredentials(config),
      terminationMode: config.ALIBABA_TERMINATION_MODE,
      requestShares,
      ...(ALIBABA_ENDPOINT !== undefined && { endpoint: ALIBABA_ENDPOINT }),
    }),
  };
}

/** On the same connections and rate limits. */
export function schedulesOf(
  { tencent, alibaba }: ReturnType<typeof providersOf>,
  stage: string,
  { ALIBABA_TERMINATION_MODE: terminationMode }: Pick<ProvidersConfig, 'ALIBABA_TERMINATION_MODE'>,
) {
  return {
    tencent: tencentSchedules({ client: tencent.client, stage }),
    alibaba: alibabaSchedules({ client: alibaba.client, stage, terminationMode }),
  };
}

async function tencentCredentials(config: ProvidersConfig & SecretsConfig) {
  const { TENCENT_CREDENTIALS: reference } = config;
  const found =
    reference === undefined
      ? {
          secretId: config.TENCENTCLOUD_SECRET_ID,
          secretKey: config.TENCENTCLOUD_SECRET_KEY,
          token: config.TENCENTCLOUD_SESSION_TOKEN,
        }
      : parseJson(reference, await readSecret(reference, config));
  const credentials = TencentSecret.safeParse(found);
  if (!credentials.success) {
    throw unusable(
      'Tencent Cloud',
      reference,
      'TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY',
      '{"secretId", "secretKey", "token"?}',
    );
  }
  const { secretId, secretKey, token } = credentials.data;
  return { secretId, secretKey, ...(token !== undefined && { token }) };
}

async function alibabaCredentials(config: ProvidersConfig & SecretsConfig) {
  const { ALIBABA_CREDENTIALS: reference } = config;
  const found =
    reference === undefined
      ? {
          accessKeyId: config.ALIBABA_CLOUD_ACCESS_KEY_ID,
          accessKeySecret: config.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
          securityToken: config.ALIBABA_CLOUD_SECURITY_TOKEN,
        }
      : parseJson(reference, await readSecret(reference, config));
  const credentials = AlibabaSecret.safeParse(found);
  if (!credentials.success) {
    throw unusable(
      'Alibaba Cloud',
      reference,
      'ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET',
      '{"accessKeyId", "accessKeySecret", "securityToken"?}',
    );
  }
  const { accessKeyId, accessKeySecret, securityToken } = credentials.data;
  return { accessKeyId, accessKeySecret, ...(securityToken !== undefined && { securityToken }) };
}

function parseJson(reference: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new FleetReflexError(
      'credentials.invalid',
      `The secret ${reference} must hold JSON, and it does not.`,
      {
        disposition: 'retry',
        cause,
      },
    );
  }
}

function unusable(
  cloud: string,
  reference: string | undefined,
  variables: string,
  shape: string,
): FleetReflexError {
  const remedy =
    reference === undefined
      ? `set ${variables}, or name a secret that has them`
      : `the secret ${reference} must be ${shape}`;
  return new FleetReflexError('credentials.missing', `There are no credentials for ${cloud}: ${remedy}.`, {
    disposition: 'retry',
  });
}
