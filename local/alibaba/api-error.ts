/** The errors that the local Cloud Assistant answers, with the vendor's HTTP status, code and message. */
import { ERROR_CODES } from '../../lib/providers/alibaba/error-codes.ts';
import { CloudError } from '../server/cloud-error.ts';

export class ApiError extends CloudError {}

/** The vendor's texts: the document of DescribeInvocations first, then those of the other actions (2025-12). */
export const MESSAGES: Readonly<Record<string, string>> = {
  'RegionId.ApiNotSupported': 'The api is not supported in this region.',
  'NumberExceed.Tags': 'The Tags parameter number is exceed.',
  'Duplicate.TagKey': 'The Tag.N.Key contain duplicate key.',
  'InvalidTagKey.Malformed': 'The specified Tag.n.Key is not valid.',
  'InvalidTagValue.Malformed': 'The specified Tag.n.Value is not valid.',
  'MissingParameter.TagKey': 'You must specify Tag.N.Key.',
  'InvalidParam.PageNumber': 'The specified parameter is invalid.',
  'InvalidParam.PageSize': 'The specified parameter is invalid.',
  'InvalidParameter.NextToken': 'The specified parameter NextToken is not valid.',
  'InvalidParameter.MaxResults': 'The specified parameter MaxResults is not valid.',
  'InternalError.Dispatch': 'An error occurred when you dispatched the request.',
  'Operation.Forbidden': 'The operation is not permitted.',
  'InvalidRegionId.NotFound': 'The RegionId provided does not exist in our records.',

  'InvalidParameter.WorkingDir': 'The specified parameter WorkingDir is not valid.',
  'MissingParam.InstanceId': 'The parameter instanceId is missing or empty.',
  'InvalidContainerId.Malformed': 'The specified parameter ContainerId is not valid.',
  'InvalidClientToken.Malformed': 'The specified parameter clientToken is not valid.',
  'InvalidInstance.NotMatch': 'The specified instance type does not match the command.',
  'MissingParam.Frequency': 'The frequency must be specified when you create a timed task.',
  'InvalidParam.Frequency': 'The specified frequency is invalid.',
  'Parameter.Disabled': 'Parameters cannot be passed in when the command customization function is disabled.',
  'InvalidParameter.Parameters': 'The specified parameter Parameters is not valid.',
  'NumberExceed.ResourceTags': 'The maximum number of ResourceTags is exceeded.',
  'MissingParameter.ResourceTagKey': 'You must specify ResourceTag.N.Key.',
  'InvalidResourceTagKey.Malformed': 'The specified ResourceTag key is not valid.',
  'InvalidResourceTagValue.Malformed': 'The specified ResourceTag value is not valid.',
  'Duplicate.ResourceTagKey': 'The ResourceTag contains duplicate keys.',
  'InvalidResourceTag.InstanceNotFound': 'InstanceIds are not found by the specified ResourceTag.',
  'InvalidResourceTag.ConflictWithInstanceIds': 'The specified param ResourceTag conflicts with InstanceId.',
  'InstanceIds.ExceedLimit': 'The number of instance IDs exceeds the upper limit.',
  'ParameterCount.ExceedLimit': 'The maximum number of parameters is exceeded.',
  'ParameterKey.ExceedLimit': 'The maximum length of a parameter name is exceeded.',
  'CmdContent.ExceedLimit': 'The maximum length of a command is exceeded.',
  'ParameterKey.Duplicate': 'Parameter names cannot be duplicated.',
  'Parameter.NotMatched':
    'The passed-in parameters do not match the parameters defined when you created the command.',
  'ParameterType.NotSupported': 'The type of parameter value is not supported.',
  'Username.ExceedLimit': 'The length of the username exceeds the upper limit.',
  'WindowsPasswordName.ExceedLimit': 'The length of the WindowsPasswordName exceeds the upper limit.',
  IdempotentParameterMismatch: 'The specified parameter has changed while using an already used clientToken.',
  IdempotentProcessing: 'The previous idempotent request(s) is still processing.',
  'InvalidLauncher.LengthLimitExceeded':
    'The length of the parameter Launcher exceeds the limit of 1 KB characters.',
  'InvalidRepeatMode.NotFound': 'The specified repeat mode does not exist.',
  'InvalidInstance.NotFound': 'The specified instance does not exist.',
  'InvalidCmdId.NotFound': 'The specified command ID does not exist.',
  'InvalidTerminationMode.NotFound': 'The specified parameter TerminationMode does not exist.',

  'InvalidInvokeId.NotFound': 'The specified invoke ID does not exist.',
  'InvalidInstanceId.NotFound': 'The specified parameter InstanceId does not exist.',

  'InvalidCmdType.NotFound': 'The specified command type does not exist.',
  'CmdName.ExceedLimit': 'The length of the command name exceeds the upper limit.',
  'CmdDesc.ExceedLimit': 'The length of the command description exceeds the upper limit.',
  'CmdCount.ExceedQuota': 'The total number of commands in the current region exceeds the quota.',
  'CmdContent.DecodeError': 'The CommandContent can not be base64 decoded.',
  'CmdParam.EmptyKey': 'You must specify the parameter names.',
  'CmdParam.InvalidParamName':
    'Invalid parameter name. The name can contain only lowercase letters (a to z), uppercase letters (A to Z), numbers (0 to 9), hyphens (-), and underscores (_).',
  'CmdParamCount.ExceedLimit': 'The maximum number of custom parameters is exceeded.',
  'CmdParamName.ExceedLimit': 'The maximum length of a parameter name is exceeded.',

  'InvalidParameter.Frequency': 'The specified parameter Frequency is not valid.',
  'InvalidOperation.RepeatModeUnsupported':
    'The operation is not supported for current repeat mode of invocation.',
  'InvalidOperation.InvokeAlreadyFinished': 'The operation is not supported for finished invocation.',

  'InvalidAccessKeyId.NotFound': 'Specified access key is not found.',
  SignatureDoesNotMatch: 'Specified signature is not matched with our calculation.',
  IncompleteSignature: 'The request signature does not conform to Aliyun standards.',
  SignatureNonceUsed: 'Specified signature nonce was used already.',
  'InvalidTimeStamp.Expired': 'Specified time stamp or date value is expired.',
  'InvalidTimeStamp.Format': 'Specified time stamp or date value is not well formatted.',
  MissingSecurityToken: 'SecurityToken is mandatory for this action.',
  'InvalidSecurityToken.MismatchWithAccessKey': 'Specified SecurityToken mismatch with the AccessKey.',
  DryRunOperation: 'Request validation has been passed with DryRun flag set.',
  InvalidVersion: 'Specified parameter Version is not valid.',
  'InvalidAction.NotFound': 'Specified api is not found, please check your url and method.',
  'Throttling.User': 'Request was denied due to user flow control.',
  ServiceUnavailable: 'The request has failed due to a temporary failure of the server.',
};

/** The documented error of that code. */
export function apiError(code: string): ApiError {
  return new ApiError(
    code,
    MESSAGES[code] ?? 'The request is refused.',
    ERROR_CODES.get(code)?.httpStatus ?? 400,
  );
}

/** `MissingParameter`, as the gateway words it. */
export function missingParameter(name: string): ApiError {
  return new ApiError(
    `MissingParameter.${name}`,
    `The input parameter "${name}" that is mandatory for processing this request is not supplied.`,
    400,
  );
}

export function invalidParameter(name: string): ApiError {
  return new ApiError(`InvalidParameter.${name}`, `The specified parameter ${name} is not valid.`, 400);
}
