/** The log of a function. */
import type { BaseConfig } from '../config.ts';
import { lambdaLog } from '../logging.ts';

export function logOf(service: string, config: Pick<BaseConfig, 'LOG_LEVEL'>) {
  return lambdaLog({ service, level: config.LOG_LEVEL });
}
