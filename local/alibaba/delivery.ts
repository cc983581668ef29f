/**
 * `OssOutputDelivery`: the whole output of each run as a file in a bucket, stored after the run has ended. The local
 * bucket is a folder; its files are given back under `/_oss/`.
 */
import type { Buckets, Collected } from '../fleet/buckets.ts';
import { invalidParameter } from './api-error.ts';
import type { DeliveryFault } from './faults.ts';
import type { InvocationRecord, TaskRun } from './invocations.ts';

export const OSS_PATH = '/_oss/';

/** `OssOutputErrorCode`, in the order of the document. */
export const DELIVERY_CODES = [
  'CloudAssistant.UnsupportedInvocationStatus',
  'CloudAssistant.ClientNeedUpgrade',
  'OSS.AccessDenied',
  'OSS.NoSuchBucket',
  'OSS.FileImmutable',
  'OSS.InvalidObjectName',
] as const;
type DeliveryErrorCode = (typeof DELIVERY_CODES)[number];

/** `OssOutputErrorInfo`: the document has words for the first; the others are its description of the code. */
export const DELIVERY_ERRORS: Readonly<Record<DeliveryErrorCode, string>> = {
  'CloudAssistant.UnsupportedInvocationStatus': 'The invocation status does not support output delivery.',
  'CloudAssistant.ClientNeedUpgrade': 'The Cloud Assistant version does not support output delivery.',
  'OSS.AccessDenied': 'The user has no permission to access the specified bucket.',
  'OSS.NoSuchBucket': 'The specified bucket does not exist.',
  'OSS.FileImmutable': 'The data in the bucket is protected.',
  'OSS.InvalidObjectName': 'The object name is not valid.',
};

/** The delivery of one run's output; it changes after the end of the run. */
export interface Delivery {
  status: 'InProgress' | 'Finished' | 'Failed';
  uri: string;
  errorCode: DeliveryErrorCode | '';
}

const FORM = /^oss:\/\/([A-Za-z0-9][A-Za-z0-9-]{2,62})(?:\/(.*))?$/;

/** @returns it as it was sent. @throws ApiError */
export function checkDelivery(delivery: string | undefined): string {
  if (delivery !== undefined && !FORM.test(delivery)) throw invalidParameter('OssOutputDelivery');
  return delivery ?? '';
}

export interface DeliveryOptions {
  buckets: Buckets;
  takeFault: (instanceId: string) => DeliveryFault | undefined;
  later: (delayMs: number, work: () => void) => void;
}

/** Of a run that did not come to an end of its own there is nothing to deliver. */
const HAS_OUTPUT: readonly string[] = ['Success', 'Failed', 'Timeout', 'Terminated'];

/** @returns undefined where no delivery is asked for */
export function deliverOutput(
  record: Pick<InvocationRecord, 'ossOutputDelivery' | 'invokeId' | 'repeatMode'>,
  run: Pick<TaskRun, 'status'>,
  place: { instanceId: string; repeats: number; collected: Collected | undefined },
  { buckets, takeFault, later }: DeliveryOptions,
): Delivery | undefined {
  const [, bucket, prefix = ''] = FORM.exec(record.ossOutputDelivery) ?? [];
  if (bucket === undefined || record.repeatMode === 'DryRun') return undefined;
  const { instanceId, repeats, collected = buckets.collect() } = place;
  if (!HAS_OUTPUT.includes(run.status)) {
    return { status: 'Failed', uri: '', errorCode: 'CloudAssistant.UnsupportedInvocationStatus' };
  }
  const delivery: Delivery = { status: 'InProgress', uri: '', errorCode: '' };
  const fault = takeFault(instanceId);
  const file = `${record.invokeId}/${instanceId}-${repeats}.txt`;
  const key = prefix === '' ? file : `${prefix.replace(/\/$/, '')}/${file}`;
  const fail = (code: DeliveryErrorCode): void => {
    Object.assign(delivery, { status: 'Failed', errorCode: code });
  };
  later(fault?.ms ?? 0, () => {
    if (fault?.code !== undefined) {
      fail(fault.code);
      return;
    }
    void collected.store(bucket, key).then(
      () => Object.assign(delivery, { status: 'Finished', uri: `oss://${bucket}/${key}` }),
      () => fail('OSS.InvalidObjectName'),
    );
  });
  return delivery;
}
