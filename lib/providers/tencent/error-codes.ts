/**
 * Every error code of the TAT actions that we call and of the gateway before them: what it means for the call, and
 * what the person on call should do. Sources: the tables of the four documents (test/fixtures/api-docs/), the lists
 * of the other actions and the common codes of the vendor's API documentation.
 */
import type { ErrorClass } from '../call-outcome.ts';

export interface ErrorMeaning {
  class: ErrorClass;
  /** One sentence for the person who is on call. */
  advice: string;
  /** False for a code that no table has: nobody knows what failed. Default: true. */
  isKnown?: boolean;
}

const SLOWER = 'If it stays so, fewer pollers or scripts should share this account.';
const LOOK =
  'The vendor failed inside: look at the invocations of the command in the TAT console before repeating it.';
const KEYS =
  'Check the SecretId and SecretKey (and the token, if temporary) that fleet-reflex is configured with.';
const POLICY = 'Grant this TAT action on these instances to the CAM user or role of the key.';
const MFA = 'The account asks for multi-factor authentication here: use a key or role that does not.';
const OURS =
  'This is a fault of fleet-reflex or of the rule that made the request: read the message and mend the rule.';
const PARAMETERS =
  'Make the parameters of the rule match what the command defines: names, text values, at most 20.';
const ENABLE =
  'The command takes no parameters: take them out of the rule, or use a command with parameters enabled.';
const COMMAND = 'Check the command id of the rule and its region.';
const INSTANCE = 'Check the instance ids of the event or rule, and the region.';
const ONE_KIND = 'One request takes instances of one kind only (ins-, lhins- or rins-).';
const COS = 'Check the COS bucket URL and key prefix of the command or rule, and that the bucket exists.';
const USER =
  'Check the user name of the rule or command: at most 256 characters, and it must exist on the instances.';
const LISTING = 'Ask for at most 100 ids, or 10 filters of 5 values, and at most 100 rows a page.';
const FLEET_TAGS =
  'Check the tags of the fleet in the rules: CVM does not take them, or does not know the key.';
const SCHEDULE = 'Check the schedule: five crontab fields in Beijing time, or a time that is still to come.';
const NAME = 'Shorten or change the name: at most 60 bytes for a command, 120 characters for a schedule.';
const CONTENT = 'The command content must be Base64 and at most 64 KB.';
const RIGHT = 'Check the value that the message names against the document of the action.';
const OFFER = 'Check the region, the action and the API version: this combination is not on offer.';
const NETWORK_ACL =
  'The account restricts the addresses that may call: allow the address of this caller, or use another.';

const CODES: readonly (readonly [ErrorClass, Readonly<Record<string, string>>])[] = [
  [
    'throttled',
    {
      RequestLimitExceeded: SLOWER,
      'RequestLimitExceeded.GlobalRegionUinLimitExceeded': SLOWER,
      'RequestLimitExceeded.IPLimitExceeded': SLOWER,
      'RequestLimitExceeded.UinLimitExceeded': SLOWER,
    },
  ],
  [
    'maybeDone',
    {
      InternalError: LOOK,
      ServiceUnavailable: LOOK,
      // CVM's name for it.
      InternalServerError: LOOK,
      FailedOperation: LOOK,
      'FailedOperation.CVMError':
        'TAT could not ask the CVM service: look whether the command ran before repeating it.',
      'FailedOperation.LighthouseError':
        'TAT could not ask the Lighthouse service: look whether the command ran before repeating it.',
      'FailedOperation.TagOperationFailed':
        'The tag service failed: look whether the thing was created without its tags.',
    },
  ],
  [
    'clock',
    {
      'AuthFailure.SignatureExpire':
        'Set the clock of the machine that calls; the vendor allows five minutes.',
    },
  ],
  [
    'unavailable',
    {
      ResourceUnavailable: 'The instances cannot take a command now: look at their state in the TAT console.',
      'ResourceUnavailable.AgentNotInstalled': 'Install the TAT agent on the instance.',
      'ResourceUnavailable.AgentStatusNotOnline':
        'Start the TAT agent on the instance, or wait until it is online again.',
      'ResourceUnavailable.InstanceStateNotRunning': 'Start the instance: it has to be running.',
    },
  ],
  [
    'denied',
    {
      AuthFailure: KEYS,
      'AuthFailure.InvalidAuthorization': KEYS,
      'AuthFailure.InvalidSecretId': KEYS,
      'AuthFailure.MFAFailure': MFA,
      'AuthFailure.SecretIdNotFound': KEYS,
      'AuthFailure.SignatureFailure': KEYS,
      'AuthFailure.TokenFailure': 'Renew the temporary credentials that fleet-reflex is configured with.',
      'AuthFailure.UnauthorizedOperation': POLICY,
      UnauthorizedOperation: POLICY,
      'UnauthorizedOperation.AssumeRoleUnauthorized': 'Allow TAT to assume the role that the command needs.',
      'UnauthorizedOperation.CamAuthFailed': POLICY,
      'UnauthorizedOperation.InvalidToken':
        'Renew the temporary credentials that fleet-reflex is configured with.',
      'UnauthorizedOperation.MFAExpired': MFA,
      'UnauthorizedOperation.MFANotFound': MFA,
      'UnauthorizedOperation.NeedApproval':
        'The account wants this command approved in the TAT console first.',
      OperationDenied:
        'The vendor refuses this command on these instances: read the message, and ask their support.',
      IpInBlacklist: NETWORK_ACL,
      IpNotInWhitelist: NETWORK_ACL,
    },
  ],
  [
    'invalid',
    {
      InvalidParameter: RIGHT,
      'InvalidParameter.ConflictParameter': OURS,
      'InvalidParameter.InvalidUsername': USER,
      'InvalidParameter.ParameterNameDuplicated': PARAMETERS,
      InvalidParameterValue: RIGHT,
      'InvalidParameterValue.AgentUnsupportedCommandType':
        'The agent cannot run this type of command: shell for Linux, PowerShell or batch for Windows.',
      'InvalidParameterValue.CommandContentInvalid': CONTENT,
      'InvalidParameterValue.CommandNameDuplicated': NAME,
      'InvalidParameterValue.ID': RIGHT,
      'InvalidParameterValue.InconsistentID': RIGHT,
      'InvalidParameterValue.InconsistentInstance': ONE_KIND,
      'InvalidParameterValue.InstanceIsNotRelatedToInvocation':
        'The invocation does not run on this instance.',
      'InvalidParameterValue.InvalidCommandId': COMMAND,
      'InvalidParameterValue.InvalidCommandName': NAME,
      'InvalidParameterValue.InvalidContent': CONTENT,
      'InvalidParameterValue.InvalidCronExpression': SCHEDULE,
      'InvalidParameterValue.InvalidFilter': LISTING,
      'InvalidParameterValue.InvalidInstanceId': INSTANCE,
      'InvalidParameterValue.InvalidInvocationId': 'Check the invocation id (inv-…) and its region.',
      'InvalidParameterValue.InvalidInvocationTaskId': 'Check the task id (invt-…) and its region.',
      'InvalidParameterValue.InvalidInvokerId': 'Check the schedule id (ivk-…) and its region.',
      'InvalidParameterValue.InvalidOutputCOSBucketUrl': COS,
      'InvalidParameterValue.InvalidOutputCOSKeyPrefix': COS,
      'InvalidParameterValue.InvalidTimeFormat': SCHEDULE,
      'InvalidParameterValue.InvalidUsername': USER,
      'InvalidParameterValue.InvalidWorkingDirectory':
        'Give an absolute working directory that exists on the instances.',
      'InvalidParameterValue.InvokeTimeExpired': SCHEDULE,
      'InvalidParameterValue.LackOfParameterInfo': PARAMETERS,
      'InvalidParameterValue.LackOfParameters': PARAMETERS,
      'InvalidParameterValue.LimitExceeded':
        'Name fewer: 200 instances for an invocation, 100 for a cancellation or schedule.',
      'InvalidParameterValue.ParameterDisabled': ENABLE,
      'InvalidParameterValue.ParameterInvalidJsonFormat': OURS,
      'InvalidParameterValue.ParameterKeyContainsInvalidChar': PARAMETERS,
      'InvalidParameterValue.ParameterKeyDuplicated': PARAMETERS,
      'InvalidParameterValue.ParameterKeyLenExceeded': PARAMETERS,
      'InvalidParameterValue.ParameterNumberExceeded': PARAMETERS,
      'InvalidParameterValue.ParameterValueNotString': PARAMETERS,
      'InvalidParameterValue.Range': RIGHT,
      'InvalidParameterValue.SupportParametersOnlyIfEnableParameter': ENABLE,
      'InvalidParameterValue.TooLarge': RIGHT,
      'InvalidParameterValue.TooLong': RIGHT,
      'InvalidParameterValue.TooSmall': RIGHT,
      InvalidRequest: OURS,
      MissingParameter: OURS,
      UnknownParameter: OURS,
      RequestSizeLimitExceeded: 'The request is too long: shorten the parameters or the command.',
      DryRunOperation: OURS,
      'LimitExceeded.FilterValueExceeded': LISTING,
      // DescribeInstances of CVM
      'FailedOperation.IllegalTagKey': FLEET_TAGS,
      'FailedOperation.IllegalTagValue': FLEET_TAGS,
      'FailedOperation.TagKeyReserved': FLEET_TAGS,
      InvalidFilter: FLEET_TAGS,
      'InvalidFilterValue.LimitExceeded': FLEET_TAGS,
      'InvalidParameterValue.TagKeyNotFound': FLEET_TAGS,
      'ResourceUnavailable.InvalidResourceQuotaResourceCode': OURS,
    },
  ],
  [
    'notFound',
    {
      ResourceNotFound: RIGHT,
      'ResourceNotFound.CommandNotFound': COMMAND,
      'ResourceNotFound.CosBucketNotFoundCode': COS,
      'ResourceNotFound.InstanceNotFound': INSTANCE,
      'ResourceNotFound.InvocationNotFound':
        'Check the invocation id and its region; old records are not kept for ever.',
      'ResourceNotFound.RoleNotFound':
        'Create the TAT service role in CAM: the command needs it for its COS bucket.',
    },
  ],
  [
    'quota',
    {
      LimitExceeded:
        'A quota of the account is used up: look at the quotas in the TAT console and ask for more.',
      ResourceInsufficient: 'The vendor has not enough of this resource now: try later or in another region.',
      'ResourceUnavailable.UserHasNoQuotaCode':
        'The quota of commands is used up: delete unused ones or ask for more.',
    },
  ],
  [
    'conflict',
    {
      ResourceInUse: 'Something else uses it at this moment: wait until that has ended.',
      'ResourceUnavailable.CommandInExecuting': 'The command is running: wait until that has ended.',
      'ResourceUnavailable.CommandInInvoker': 'A schedule uses the command: remove the schedule first.',
    },
  ],
  [
    'unsupported',
    {
      ActionOffline: OFFER,
      InvalidAction: OFFER,
      NoSuchProduct: OFFER,
      NoSuchVersion: OFFER,
      UnsupportedOperation: 'The vendor does not support this on these instances: read the message.',
      UnsupportedProtocol:
        'The endpoint must be called by HTTPS, POST and JSON: check the configured endpoint.',
      UnsupportedRegion: 'TAT is not on offer in this region: check the region of the rule.',
      'ResourceUnavailable.LighthouseUnsupportedRegion': 'Lighthouse is not on offer in this region.',
    },
  ],
  [
    'tooLarge',
    {
      ResponseSizeLimitExceeded: 'Nothing to do: the same is asked for in smaller pieces.',
    },
  ],
];

export const ERROR_CODES: ReadonlyMap<string, ErrorMeaning> = new Map(
  CODES.flatMap(([errorClass, codes]) =>
    Object.entries(codes).map(([code, advice]) => [code, { class: errorClass, advice }] as const),
  ),
);

/**
 * What a code means: its own row, else that of its family (`RequestLimitExceeded.Anything` is throttled). A code of
 * no known family may stand for anything, so it counts as `maybeDone`: it is looked into, never repeated blindly.
 */
export function explainErrorCode(code: string): ErrorMeaning {
  const known = ERROR_CODES.get(code) ?? ERROR_CODES.get(code.split('.', 1)[0] ?? code);
  return (
    known ?? { class: 'maybeDone', isKnown: false, advice: `fleet-reflex does not know this code. ${LOOK}` }
  );
}
