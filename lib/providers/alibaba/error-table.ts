/**
 * Every error code that the Cloud Assistant actions and the gateway before them are known to answer. Sources: the
 * document of DescribeInvocations (test/fixtures/api-docs/alibaba-ecs-DescribeInvocations.txt), the documents of the
 * other actions (InvokeCommand, StopInvocation, CreateCommand, ModifyCommand, ModifyInvocationAttribute of 2025-12),
 * and the gateway's common codes.
 */

/**
 * - `parameter`: the request is wrong and stays wrong
 * - `notFound`: something that it names does not exist in this region
 * - `limit`: a length or count is over the vendor's limit
 * - `quota`: an allowance of the account is used up
 * - `unavailable`: an instance cannot take the command now; nothing ran
 * - `credentials`: the key, its token or its signature
 * - `permission`: the key may not do this
 * - `region`: the region cannot do this
 * - `idempotence`: the ClientToken was used for another request
 * - `inProgress`: the first request with this ClientToken is still in work: it may well take effect
 * - `throttled`: refused before any work
 * - `replayed`: the nonce was seen before, so these very bytes arrived before: the first copy may have taken effect
 * - `server`: the vendor failed inside: it may have taken effect
 */
export type AlibabaErrorKind =
  | 'parameter'
  | 'notFound'
  | 'limit'
  | 'quota'
  | 'unavailable'
  | 'credentials'
  | 'permission'
  | 'region'
  | 'idempotence'
  | 'inProgress'
  | 'throttled'
  | 'replayed'
  | 'server';

const REPORT =
  'This is a fault of fleet-reflex or of its configuration: look at the rule that made the request.';
const TAGS =
  'Correct the labels of the request: at most 20 tags, keys of 1 to 64 characters, values up to 128.';
const RESOURCE_TAGS =
  'Correct the instance tags: at most 10, keys of 1 to 64 characters, not together with InstanceId.';
const PAGING = 'Start the listing again from its first page; at most 50 entries a page.';
export const KEYS = 'Check the access key pair that fleet-reflex is configured with.';
export const STS = 'Renew the temporary credentials (STS) that fleet-reflex is configured with.';
const CLOCK = 'Set the clock of the machine that calls; the vendor allows 15 minutes.';
export const POLICY = 'Grant the RAM user or role the action named in the message, or use another key.';
export const WAIT = 'Each try has the same ClientToken, so nothing runs twice.';
export const SHORTER = 'Shorten the value named by the code.';
export const SLOWER =
  'Slow down: the account is over its request rate for this API and region; it works again from the next minute.';
const PARAMETERS = 'Make the parameters of the rule match the parameters that the command defines.';
const FREQUENCY =
  'Give Frequency as rate(5m), at(yyyy-MM-dd HH:mm:ss zone) or a cron expression that starts with seconds.';
const REGION = 'Check the region of the rule; this one does not exist or does not offer Cloud Assistant.';
const CONTAINER = 'Check the container of the request.';
const STORE = 'Check the parameter store entry that the request names, its region and the permissions on it.';

type Row = readonly [httpStatus: number, code: string, kind: AlibabaErrorKind, advice: string];

export const ERROR_ROWS: readonly Row[] = [
  // DescribeInvocations, the whole table of the document
  [400, 'RegionId.ApiNotSupported', 'region', REGION],
  [400, 'NumberExceed.Tags', 'limit', TAGS],
  [400, 'Duplicate.TagKey', 'parameter', TAGS],
  [400, 'InvalidTagKey.Malformed', 'parameter', TAGS],
  [400, 'InvalidTagValue.Malformed', 'parameter', TAGS],
  [400, 'MissingParameter.TagKey', 'parameter', TAGS],
  [400, 'InvalidParam.PageNumber', 'parameter', PAGING],
  [400, 'InvalidParam.PageSize', 'parameter', PAGING],
  [400, 'InvalidParameter.NextToken', 'parameter', PAGING],
  [400, 'InvalidParameter.MaxResults', 'parameter', PAGING],
  [500, 'InternalError.Dispatch', 'server', WAIT],
  [403, 'Operation.Forbidden', 'permission', POLICY],
  [404, 'InvalidRegionId.NotFound', 'region', REGION],

  // InvokeCommand
  [
    400,
    'InvalidParameter.WorkingDir',
    'parameter',
    'Give an absolute working directory of at most 200 characters.',
  ],
  [400, 'MissingParam.InstanceId', 'parameter', 'Name at least one instance.'],
  [400, 'InvalidContainerId.Malformed', 'parameter', CONTAINER],
  [400, 'InvalidContainerName.Malformed', 'parameter', CONTAINER],
  [400, 'InvalidClientToken.Malformed', 'parameter', REPORT],
  [
    400,
    'InvalidInstance.NotMatch',
    'unavailable',
    'Check that every instance is running and that the command type fits its operating system; one unfit instance refuses the whole call.',
  ],
  [400, 'MissingParam.Frequency', 'parameter', FREQUENCY],
  [400, 'InvalidParam.Frequency', 'parameter', FREQUENCY],
  [400, 'Parameter.MissingValue', 'parameter', PARAMETERS],
  [
    400,
    'Parameter.Disabled',
    'parameter',
    'The command takes no parameters: remove them, or enable parameters on it.',
  ],
  [400, 'InvalidParameter.Parameters', 'parameter', PARAMETERS],
  [400, 'NumberExceed.ResourceTags', 'limit', RESOURCE_TAGS],
  [400, 'MissingParameter.ResourceTagKey', 'parameter', RESOURCE_TAGS],
  [400, 'InvalidResourceTagKey.Malformed', 'parameter', RESOURCE_TAGS],
  [400, 'InvalidResourceTagValue.Malformed', 'parameter', RESOURCE_TAGS],
  [400, 'Duplicate.ResourceTagKey', 'parameter', RESOURCE_TAGS],
  [400, 'InvalidResourceTag.InstanceNotFound', 'notFound', 'No instance has these tags: check them.'],
  [400, 'InvalidResourceTag.ConflictWithInstanceIds', 'parameter', RESOURCE_TAGS],
  [403, 'InstanceIds.ExceedLimit', 'limit', 'At most 100 instances for one invocation and 50 for one stop.'],
  [
    403,
    'Invocation.ExceedQuota',
    'quota',
    'The account has used up its invocations for today in this region: ask for more in the Quota Center.',
  ],
  [403, 'ParameterCount.ExceedLimit', 'limit', 'Pass at most 10 parameters.'],
  [403, 'ParameterKey.ExceedLimit', 'limit', 'Parameter names have at most 64 characters.'],
  [
    403,
    'CmdContent.ExceedLimit',
    'limit',
    'Command and parameters together have at most 24 KB after Base64.',
  ],
  [
    403,
    'ParameterKey.Duplicate',
    'parameter',
    'Name each parameter once; upper and lower case are the same.',
  ],
  [403, 'Parameter.NotMatched', 'parameter', PARAMETERS],
  [403, 'ParameterType.NotSupported', 'parameter', 'Parameter values are strings.'],
  [403, 'Username.ExceedLimit', 'limit', 'The user name has at most 255 characters.'],
  [403, 'WindowsPasswordName.ExceedLimit', 'limit', 'The password name has at most 255 characters.'],
  [403, 'WindowsPasswordName.Missed', 'parameter', 'On Windows another user needs the name of its password.'],
  [403, 'ParameterStore.NotSupported', 'region', STORE],
  [403, 'ParameterStore.InvalidParameters', 'parameter', STORE],
  [403, 'ParameterStore.NoPermission', 'permission', STORE],
  [403, 'TemporaryAccessKey.Error', 'credentials', STS],
  [
    403,
    'IdempotentParameterMismatch',
    'idempotence',
    'The ClientToken was already used for another request: look at the invocation that carries it before anything is run again.',
  ],
  [403, 'IdempotentProcessing', 'inProgress', WAIT],
  [403, 'InvalidLauncher.LengthLimitExceeded', 'limit', 'The launcher has at most 1 KB.'],
  [
    403,
    'InvalidParameterCharset.Parameters',
    'parameter',
    'Remove the characters that the vendor does not take from the parameters.',
  ],
  [
    404,
    'InvalidRepeatMode.NotFound',
    'parameter',
    'RepeatMode is Once, Period, NextRebootOnly, EveryReboot or DryRun.',
  ],
  [
    404,
    'InvalidInstance.NotFound',
    'notFound',
    'Check the instance ids and the region: one instance that does not exist refuses the whole call.',
  ],
  [404, 'InvalidCmdId.NotFound', 'notFound', 'Check the command id of the rule and its region.'],
  [404, 'InvalidResourceGroup.NotFound', 'notFound', 'Check the resource group.'],
  [404, 'InvalidTerminationMode.NotFound', 'parameter', 'TerminationMode is Process or ProcessTree.'],
  // InvokeCommand, in older editions of its document
  [400, 'InvalidInstanceStatus', 'unavailable', 'Start the instance: it has to be running.'],
  [
    400,
    'InvalidInstance.NoClient',
    'unavailable',
    'Install or start the Cloud Assistant Agent on the instance.',
  ],
  [403, 'Username.NotSupportWindows', 'parameter', 'Leave out the user name for Windows instances.'],

  // StopInvocation
  [
    404,
    'InvalidInvokeId.NotFound',
    'notFound',
    'The vendor no longer has this invocation: it keeps 30 days and 10,000 records.',
  ],
  [404, 'InvalidInstanceId.NotFound', 'notFound', 'Check the instance id and the region.'],

  // RunCommand, CreateCommand, ModifyCommand
  [
    404,
    'InvalidCmdType.NotFound',
    'parameter',
    'The type is RunShellScript, RunPowerShellScript or RunBatScript.',
  ],
  [403, 'CmdName.ExceedLimit', 'limit', SHORTER],
  [403, 'CmdName.Readonly', 'parameter', 'A published command keeps its name.'],
  [403, 'CmdDesc.ExceedLimit', 'limit', SHORTER],
  [
    403,
    'CmdCount.ExceedQuota',
    'quota',
    'Delete commands that are no longer used, or ask for more in the Quota Center.',
  ],
  [400, 'CmdContent.DecodeError', 'parameter', 'The command content is not Base64.'],
  [400, 'CmdParam.EmptyKey', 'parameter', 'Name the parameter between {{ and }} in the command.'],
  [400, 'CmdParam.InvalidParamName', 'parameter', 'Parameter names consist of a-z, A-Z, 0-9, - and _.'],
  [403, 'CmdParamCount.ExceedLimit', 'limit', 'A command defines at most 20 parameters.'],
  [403, 'CmdParamName.ExceedLimit', 'limit', 'Parameter names have at most 64 bytes.'],
  [
    403,
    'InvalidParameterCharacter.CommandName',
    'parameter',
    'Remove the characters that the vendor does not take.',
  ],
  [
    403,
    'InvalidParameterCharacter.CommandDescription',
    'parameter',
    'Remove the characters that the vendor does not take.',
  ],
  [
    403,
    'InvalidParameterCharacter.CommandWorkingDir',
    'parameter',
    'Remove the characters that the vendor does not take.',
  ],
  [403, 'InvalidTimeout.ExceedLimit', 'limit', 'Give a shorter timeout.'],
  [403, 'InvalidStatus.ResourceGroup', 'unavailable', 'Wait until the resource group is created or deleted.'],

  // ModifyInvocationAttribute
  [400, 'InvalidParameter.Frequency', 'parameter', FREQUENCY],
  [400, 'InvalidParameters.KeyDuplicate', 'parameter', PARAMETERS],
  [400, 'InvalidParameters.KeyNotMatch', 'parameter', PARAMETERS],
  [400, 'InvalidParameters.KeyMalformed', 'parameter', PARAMETERS],
  [400, 'InvalidParameters.KeyEmpty', 'parameter', PARAMETERS],
  [400, 'InvalidCommandContent.DecodeError', 'parameter', 'The command content is not Base64.'],
  [
    403,
    'InvalidInstanceId.OSTypeUnsupported',
    'parameter',
    'The command type does not fit the operating system of the instance.',
  ],
  [403, 'InvalidOperation.RepeatModeUnsupported', 'parameter', 'Only a recurring invocation can be changed.'],
  [403, 'InvalidOperation.InvokeAlreadyFinished', 'parameter', 'The invocation has ended: make a new one.'],
  [
    403,
    'InvalidOperation.CloudAssistantVersionUnsupported',
    'unavailable',
    'Upgrade the Cloud Assistant Agent on the instance.',
  ],
  [403, 'InvalidOperation.ModifyPublicCommandUnsupported', 'parameter', 'Public commands cannot be changed.'],
  [403, 'InvalidCommandContent.LengthLimitExceeded', 'limit', SHORTER],
  [403, 'InvalidParameters.CountLimitExceeded', 'limit', 'Pass at most 10 parameters.'],
  [403, 'InvalidParameters.KeyLengthLimitExceeded', 'limit', 'Parameter names have at most 64 characters.'],
  [403, 'InvalidParameters.ValueTypeUnsupported', 'parameter', 'Parameter values are strings.'],
  [403, 'InvalidInstanceId.CountLimitExceeded', 'limit', 'At most 100 instances for one invocation.'],
  [
    403,
    'CommandLimitExceeded',
    'quota',
    'Delete commands that are no longer used, or ask for more in the Quota Center.',
  ],
  [404, 'InvalidCommandId.NotFound', 'notFound', 'Check the command id of the rule and its region.'],

  // DescribeInstances with DryRun: the vendor's word for yes
  [400, 'DryRunOperation', 'parameter', REPORT],

  // the gateway before every action
  [404, 'InvalidAccessKeyId.NotFound', 'credentials', KEYS],
  [400, 'InvalidAccessKeyId.Inactive', 'credentials', KEYS],
  [400, 'SignatureDoesNotMatch', 'credentials', KEYS],
  [400, 'IncompleteSignature', 'credentials', REPORT],
  [400, 'SignatureNonceUsed', 'replayed', WAIT],
  [400, 'InvalidTimeStamp.Expired', 'credentials', CLOCK],
  [400, 'InvalidTimeStamp.Format', 'credentials', REPORT],
  [400, 'MissingSecurityToken', 'credentials', STS],
  [400, 'InvalidSecurityToken.Expired', 'credentials', STS],
  [400, 'InvalidSecurityToken.Malformed', 'credentials', STS],
  [400, 'InvalidSecurityToken.MismatchWithAccessKey', 'credentials', STS],
  [400, 'MissingParameter', 'parameter', REPORT],
  [400, 'InvalidParameter', 'parameter', REPORT],
  [404, 'InvalidVersion', 'parameter', REPORT],
  [404, 'InvalidAction.NotFound', 'parameter', REPORT],
  [403, 'Forbidden.RAM', 'permission', POLICY],
  [403, 'NoPermission', 'permission', POLICY],
  [400, 'Throttling', 'throttled', SLOWER],
  [400, 'Throttling.User', 'throttled', SLOWER],
  [400, 'Throttling.Api', 'throttled', SLOWER],
  [500, 'InternalError', 'server', WAIT],
  [503, 'ServiceUnavailable', 'server', WAIT],
];
