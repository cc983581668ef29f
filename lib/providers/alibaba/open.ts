/** Cloud Assistant as the functions and the command line use it. */
import * as z from 'zod';
import type { ProviderModule, Recurrences } from '../provider-module.ts';
import { alibaba, SETTINGS } from './facts.ts';
import { alibabaProvider } from './provider.ts';
import { frequencies } from './recurrences.ts';
import { alibabaSchedules } from './schedules.ts';

const Credentials = z.object({
  accessKeyId: z.string().min(1),
  accessKeySecret: z.string().min(1),
  securityToken: z.string().min(1).exactOptional(),
});

export const recurrences: Recurrences = frequencies;

export const open: ProviderModule['open'] = ({ settings, credentials, requestShares, stage }) => {
  const { ALIBABA_ENDPOINT: endpoint, ALIBABA_TERMINATION_MODE: terminationMode } = z
    .object({
      ALIBABA_ENDPOINT: SETTINGS.ALIBABA_ENDPOINT(),
      ALIBABA_TERMINATION_MODE: SETTINGS.ALIBABA_TERMINATION_MODE(),
    })
    .parse(settings);
  const provider = alibabaProvider({
    credentials: credentials({
      title: alibaba.title,
      secret: 'ALIBABA_CREDENTIALS',
      fields: {
        accessKeyId: 'ALIBABA_CLOUD_ACCESS_KEY_ID',
        accessKeySecret: 'ALIBABA_CLOUD_ACCESS_KEY_SECRET',
        securityToken: 'ALIBABA_CLOUD_SECURITY_TOKEN',
      },
      schema: Credentials,
    }),
    terminationMode,
    requestShares,
    ...(endpoint !== undefined && { endpoint }),
  });
  return { ...provider, schedules: alibabaSchedules({ client: provider.client, stage, terminationMode }) };
};
