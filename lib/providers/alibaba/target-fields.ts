/** The fields of InvokeCommand that say what runs where: those of a run, and of its rehearsal. */
import type { Target } from '../../model/target.ts';
import { writeOssDelivery } from './oss-delivery.ts';
import type { InvokeCommandRequest } from './requests.ts';

export function targetFields({ parameters, options, ...target }: Readonly<Target>) {
  return {
    RegionId: target.region,
    CommandId: target.command,
    InstanceId: [...target.instances],
    Parameters: Object.keys(parameters).length > 0 ? { ...parameters } : undefined,
    Timeout: target.timeoutSeconds,
    Username: target.username,
    WorkingDir: target.workingDirectory,
    TerminationMode: options?.terminationMode,
    OssOutputDelivery: writeOssDelivery(options?.output),
  } satisfies InvokeCommandRequest;
}
