/** The common parameters of RunCommand, CreateCommand and ModifyCommand: content, name and default parameters. */
import * as z from 'zod';
import {
  outputCosBucketUrl,
  outputCosKeyPrefix,
  text,
  timeout,
  username,
  workingDirectory,
} from './fields.ts';
import { breach } from './input.ts';
import { parseParameters } from './parameters.ts';
import type { DefaultParameter } from './records.ts';
import { TatError } from './tat-error.ts';

const MAX_CONTENT_LENGTH = 64 * 1024;
const MAX_NAME_BYTES = 60;

export const contentField = z
  .string()
  .refine((value) => value !== '', breach('InvalidParameterValue.CommandContentInvalid', 'expected a script'))
  .refine(
    (value) => value.length <= MAX_CONTENT_LENGTH,
    breach('InvalidParameterValue.TooLong', 'expected at most 64 KB after Base64'),
  )
  .refine(
    (value) => /^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0,
    breach('InvalidParameterValue.InvalidContent', 'expected the script in Base64'),
  );

export const commandNameField = z
  .string()
  .refine(
    (value) => /^[\p{Script=Han}A-Za-z0-9_.-]+$/u.test(value),
    breach('InvalidParameterValue.InvalidCommandName', 'expected Chinese, letters, digits, `_`, `-` and `.`'),
  )
  .refine(
    (value) => Buffer.byteLength(value) <= MAX_NAME_BYTES,
    breach('InvalidParameterValue.TooLong', `expected at most ${MAX_NAME_BYTES} bytes`),
  );

const commandType = z
  .string()
  .refine(
    (value) => ['SHELL', 'POWERSHELL', 'BAT'].includes(value),
    breach('InvalidParameterValue.Range', 'expected SHELL, POWERSHELL or BAT'),
  )
  .pipe(z.enum(['SHELL', 'POWERSHELL', 'BAT']));

/** The optional fields of the three actions. */
export const commandFields = {
  Description: text(120, 'InvalidParameterValue.TooLong').optional(),
  CommandType: commandType.optional(),
  WorkingDirectory: workingDirectory('InvalidParameterValue.InvalidWorkingDirectory').optional(),
  Timeout: timeout('InvalidParameterValue.Range').optional(),
  DefaultParameters: z.string().optional(),
  DefaultParameterConfs: z
    .array(
      z.strictObject({
        ParameterName: z.string(),
        ParameterValue: z.string(),
        ParameterDescription: z.string().optional(),
      }),
    )
    .optional(),
  Username: username('InvalidParameterValue.InvalidUsername').optional(),
  OutputCOSBucketUrl: outputCosBucketUrl('InvalidParameterValue.InvalidOutputCOSBucketUrl').optional(),
  OutputCOSKeyPrefix: outputCosKeyPrefix('InvalidParameterValue.InvalidOutputCOSKeyPrefix').optional(),
};

export interface DefaultsInput {
  DefaultParameters?: string | undefined;
  DefaultParameterConfs?:
    | readonly { ParameterName: string; ParameterValue: string; ParameterDescription?: string | undefined }[]
    | undefined;
}

/**
 * The default parameters, from either form; undefined when neither is given.
 * @throws TatError `InvalidParameter` for both, `.SupportParametersOnlyIfEnableParameter`, `.Parameter*`
 */
export function parseDefaults(
  input: DefaultsInput,
  enableParameter: boolean,
): DefaultParameter[] | undefined {
  const { DefaultParameters: json, DefaultParameterConfs: confs } = input;
  if (json === undefined && confs === undefined) return undefined;
  if (json !== undefined && confs !== undefined) {
    throw new TatError(
      'InvalidParameter',
      '`DefaultParameters` and `DefaultParameterConfs` cannot be specified at the same time.',
    );
  }
  const descriptions = new Map(confs?.map((conf) => [conf.ParameterName, conf.ParameterDescription ?? '']));
  if (confs !== undefined && descriptions.size < confs.length) {
    throw new TatError(
      'InvalidParameter.ParameterNameDuplicated',
      '`DefaultParameterConfs`: expected each ParameterName once.',
    );
  }
  const pairs = confs?.map((conf) => [conf.ParameterName, conf.ParameterValue]);
  // The same rules hold for both forms, so that one check does.
  const values = parseParameters(
    confs === undefined ? 'DefaultParameters' : 'DefaultParameterConfs',
    pairs === undefined ? json : JSON.stringify(Object.fromEntries(pairs)),
  );
  checkEnabled('DefaultParameters', values, enableParameter);
  return Object.entries(values).map(([name, value]) => ({
    name,
    value,
    description: descriptions.get(name) ?? '',
  }));
}

/** @throws TatError `InvalidParameterValue.SupportParametersOnlyIfEnableParameter` */
export function checkEnabled(field: string, values: object, enableParameter: boolean): void {
  if (enableParameter || Object.keys(values).length === 0) return;
  throw new TatError(
    'InvalidParameterValue.SupportParametersOnlyIfEnableParameter',
    `\`${field}\` can be set only when EnableParameter is true.`,
  );
}

export function decodeContent(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
