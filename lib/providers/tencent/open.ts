/** TAT as the functions and the command line use it. */
import * as z from 'zod';
import { messageOf } from '../../errors.ts';
import type { ProviderModule, Recurrences } from '../provider-module.ts';
import { checkCrontab, nextCrontabTimes } from './crontab.ts';
import { SETTINGS, tencent } from './facts.ts';
import { tencentProvider } from './provider.ts';
import { tencentSchedules } from './schedules.ts';

const Credentials = z.object({
  secretId: z.string().min(1),
  secretKey: z.string().min(1),
  token: z.string().min(1).exactOptional(),
});

/** TAT reads every crontab so (document CreateInvoker). */
const zone = 'Asia/Shanghai';

export const open: ProviderModule['open'] = ({ settings, credentials, requestShares, stage }) => {
  const {
    TENCENT_ENDPOINT: endpoint,
    TENCENT_CVM_ENDPOINT: cvmEndpoint,
    TENCENT_LANGUAGE: language,
  } = z
    .object({
      TENCENT_ENDPOINT: SETTINGS.TENCENT_ENDPOINT(),
      TENCENT_CVM_ENDPOINT: SETTINGS.TENCENT_CVM_ENDPOINT(),
      TENCENT_LANGUAGE: SETTINGS.TENCENT_LANGUAGE(),
    })
    .parse(settings);
  const provider = tencentProvider({
    credentials: credentials({
      title: tencent.title,
      secret: 'TENCENT_CREDENTIALS',
      fields: {
        secretId: 'TENCENTCLOUD_SECRET_ID',
        secretKey: 'TENCENTCLOUD_SECRET_KEY',
        token: 'TENCENTCLOUD_SESSION_TOKEN',
      },
      schema: Credentials,
    }),
    language,
    requestShares,
    ...(endpoint !== undefined && { endpoint }),
    ...(cvmEndpoint !== undefined && { cvmEndpoint }),
  });
  return { ...provider, schedules: tencentSchedules({ client: provider.client, stage }) };
};

export const recurrences: Recurrences = {
  problemOf(crontab) {
    try {
      checkCrontab(crontab);
      return undefined;
    } catch (thrown) {
      return messageOf(thrown);
    }
  },
  nextTime: (crontab, from) => nextCrontabTimes(crontab, 1, from)[0],
  nextTimes: (crontab, count, from) => ({ times: nextCrontabTimes(crontab, count, from), zone }),
};
