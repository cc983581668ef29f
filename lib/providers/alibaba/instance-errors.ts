/**
 * Why a command could not be sent to one instance or did not run well there: the `ErrorCode` of an instance in the
 * document of DescribeInvocations, with what the person on call should do. The vendor changes the texts of
 * `ErrorInfo` and may add codes, so nothing here reads texts and an unknown code is passed on.
 */
export const INSTANCE_ERROR_ADVICE: Readonly<Record<string, string>> = {
  InstanceNotExists: 'The instance does not exist or has been released: take it out of the rule.',
  InstanceReleased:
    'The instance was released while the command ran: find out who released it; the outcome is unknown.',
  InstanceNotRunning: 'The instance was not running: start it, then run again.',
  CommandNotApplicable:
    'The command type does not fit the operating system of the instance: use another command.',
  AccountNotExists: 'The user does not exist on the instance: create it, or leave the user name out.',
  DirectoryNotExists: 'The working directory does not exist on the instance: create it, or name another.',
  BadCronExpression: 'The instance cannot evaluate the schedule: correct Frequency.',
  ClientNotRunning: 'The Cloud Assistant Agent is not running: start it on the instance, then run again.',
  ClientNotResponse:
    'The Cloud Assistant Agent does not answer: look at the instance; the command may have run.',
  ClientIsUpgrading: 'The Cloud Assistant Agent is being upgraded: run again in some minutes.',
  ClientNeedUpgrade: 'The Cloud Assistant Agent is too old for this request: upgrade it, then run again.',
  DeliveryTimeout:
    'The command did not reach the instance within a minute: check its network and agent, then run again.',
  ExecutionTimeout:
    'The command ran into its time limit and was killed: raise the timeout, or find out why it hangs.',
  ExecutionException:
    'The agent could not go on with the command: look at the instance; the command may have run.',
  ExecutionInterrupted:
    'The execution was interrupted, by a reboot for example: look at the instance; the command may have run in part.',
  ExitCodeNonzero: 'The command ran and reported failure: read its output.',
  SecurityGroupRuleDenied:
    'A security group keeps the instance from the Cloud Assistant service: open it, then run again.',
  TaskConcurrencyLimit:
    'Too many commands run on the instance at once: wait for some to end, then run again.',
};

/** For an `Error` status: these codes say that the command was checked and certainly never started. */
export const NEVER_STARTED_CODES: ReadonlySet<string> = new Set([
  'AccountNotExists',
  'DirectoryNotExists',
  'BadCronExpression',
  'CommandNotApplicable',
  'ClientNeedUpgrade',
]);
