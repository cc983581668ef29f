/** Reads and checks the content of a command, as CreateCommand, RunCommand and ModifyInvocationAttribute take it. */
import { apiError } from './api-error.ts';
import { definedParameters } from './placeholders.ts';

const MOST_ENCODED_BYTES = 24 * 1024;

/** @param encoding anything but Base64, in any case, is plain text: the vendor says so. @returns the plain content */
export function readContent(content: string, encoding: string | undefined, isDefaultBase64: boolean): string {
  const name = encoding?.toLowerCase() ?? (isDefaultBase64 ? 'base64' : 'plaintext');
  const isBase64 = name === 'base64' || (isDefaultBase64 && name !== 'plaintext');
  if (isBase64 && !/^[A-Za-z0-9+/]*={0,2}$/.test(content.replaceAll(/\s/g, ''))) {
    throw apiError('CmdContent.DecodeError');
  }
  const bytes = Buffer.from(content, isBase64 ? 'base64' : 'utf8');
  if (Math.ceil(bytes.length / 3) * 4 > MOST_ENCODED_BYTES) throw apiError('CmdContent.ExceedLimit');
  return bytes.toString('utf8');
}

/** The rules for `{{name}}` where a command defines parameters. */
export function checkDefinedParameters(content: string): void {
  const names = definedParameters(content);
  if (names.length > 20) throw apiError('CmdParamCount.ExceedLimit');
  for (const name of names) {
    if (name === '') throw apiError('CmdParam.EmptyKey');
    if (Buffer.byteLength(name) > 64) throw apiError('CmdParamName.ExceedLimit');
    if (!/^[A-Za-z0-9_-]+$/.test(name)) throw apiError('CmdParam.InvalidParamName');
  }
}
