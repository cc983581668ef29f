/** `ErrorCode` and `ErrorInfo` of an instance, as the document of DescribeInvocations pairs them. */
export const ERROR_CODES = [
  'InstanceNotExists',
  'InstanceReleased',
  'InstanceNotRunning',
  'CommandNotApplicable',
  'AccountNotExists',
  'DirectoryNotExists',
  'BadCronExpression',
  'ClientNotRunning',
  'ClientNotResponse',
  'ClientIsUpgrading',
  'ClientNeedUpgrade',
  'DeliveryTimeout',
  'ExecutionTimeout',
  'ExecutionException',
  'ExecutionInterrupted',
  'ExitCodeNonzero',
  'SecurityGroupRuleDenied',
  'TaskConcurrencyLimit',
] as const;
export type InstanceErrorCode = (typeof ERROR_CODES)[number];

export const INSTANCE_ERRORS: Readonly<Record<InstanceErrorCode, string>> = {
  InstanceNotExists: 'The specified instance does not exist',
  InstanceReleased: 'The specified instance was released during task execution',
  InstanceNotRunning: 'The specified instance was not running during task execution',
  CommandNotApplicable: 'The OS type of the instance does not support the specified command type',
  AccountNotExists: 'The specified account does not exist',
  DirectoryNotExists: 'The specified directory does not exist',
  BadCronExpression: 'The cron expression is invalid',
  ClientNotRunning: 'The aliyun service is not running on the instance',
  ClientNotResponse: 'The aliyun service in the instance does not response',
  ClientIsUpgrading: 'The aliyun service in the instance is upgrading during task execution',
  ClientNeedUpgrade:
    'The aliyun service in the instance need to be upgraded to at least version to support the feature',
  DeliveryTimeout: 'The command delivery has been timeout',
  ExecutionTimeout: 'The command execution has been timeout',
  ExecutionException: 'The command execution got an exception',
  // No text in the document:
  ExecutionInterrupted: 'The command execution was interrupted',
  ExitCodeNonzero: 'The command execution exit code is not zero',
  SecurityGroupRuleDenied: 'The security group rules denied access to the aliyun service',
  TaskConcurrencyLimit: 'The number of concurrently executed tasks exceeded the limit',
};
