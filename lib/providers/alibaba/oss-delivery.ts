/**
 * The output of a command as a file in OSS: how it is asked for, and what became of it. The vendor stores it after the
 * command has ended (`OssOutputStatus`: InProgress, Finished, Failed).
 */
import type { OutputDelivery } from '../../model/invocation-options.ts';
import type { TaskReport } from '../provider.ts';
import type { InvokeInstance } from './answers.ts';

/** `oss://<bucket>/<prefix>`. */
export function writeOssDelivery(output: OutputDelivery | undefined): string | undefined {
  if (output === undefined) return undefined;
  return `oss://${output.bucket}${output.prefix === undefined ? '' : `/${output.prefix}`}`;
}

type Delivered = Pick<TaskReport, 'outputUrl' | 'outputDeliveryError' | 'isOutputPending'>;
type Row = Pick<
  InvokeInstance,
  'OssOutputUri' | 'OssOutputStatus' | 'OssOutputErrorCode' | 'OssOutputErrorInfo'
>;

/** @param row of a task that has ended */
export function readOssDelivery(row: Row): Delivered {
  if (row.OssOutputStatus === 'InProgress') return { isOutputPending: true };
  if (row.OssOutputStatus !== 'Failed') return row.OssOutputUri ? { outputUrl: row.OssOutputUri } : {};
  const code = row.OssOutputErrorCode || 'OssOutputFailed';
  return {
    outputDeliveryError: {
      code,
      message: row.OssOutputErrorInfo || 'Cloud Assistant could not store the output, and does not say why.',
      advice: ADVICE.get(code) ?? 'Check the bucket, and that Cloud Assistant may write to it.',
    },
  };
}

/** `OssOutputErrorCode` of the document of DescribeInvocations, and what to do about each. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [
    'CloudAssistant.UnsupportedInvocationStatus',
    'Nothing to do for the delivery: the command did not run to an end that has an output.',
  ],
  [
    'CloudAssistant.ClientNeedUpgrade',
    'Upgrade the Cloud Assistant Agent: Linux needs more than 2.2.4.1007, Windows more than 2.1.4.1007.',
  ],
  ['OSS.AccessDenied', 'Let the account write to the bucket that the rule names.'],
  ['OSS.NoSuchBucket', 'Create the bucket, or correct its name in the rule.'],
  ['OSS.FileImmutable', 'The bucket protects its files: choose another bucket or prefix in the rule.'],
  ['OSS.InvalidObjectName', 'Correct the prefix in the rule: the name of the file would not be valid.'],
]);
