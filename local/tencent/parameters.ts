/**
 * Custom parameters: a JSON text of names and values, pasted into the script where it says `{{name}}`, or
 * `{{tat-hidden:name}}`, whose value no record shows (document InvokeCommand).
 */
import { parseDocument } from 'yaml';
import { TatError } from './tat-error.ts';

const PLACEHOLDER = /\{\{(tat-hidden:)?([a-zA-Z0-9_-]{1,64})\}\}/g;
const MAX_PARAMETERS = 20;
const MAX_KEY_LENGTH = 64;

export type Parameters = Readonly<Record<string, string>>;

/**
 * Reads a JSON text of names and values. Absent and empty text are no parameters.
 * @throws TatError `InvalidParameterValue.Parameter*`
 */
export function parseParameters(field: string, json: string | undefined): Parameters {
  if (json === undefined || json === '') return {};
  const refuse = (code: string, message: string): never => {
    throw new TatError(`InvalidParameterValue.${code}`, `\`${field}\`: ${message}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refuse('ParameterInvalidJsonFormat', 'expected a JSON text like {"varA": "222"}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('ParameterInvalidJsonFormat', 'expected a JSON object like {"varA": "222"}');
  }
  // JSON.parse keeps the last of two; every JSON text is YAML, whose parser tells.
  if (parseDocument(json).errors.some(({ code }) => code === 'DUPLICATE_KEY')) {
    return refuse('ParameterKeyDuplicated', 'expected each name once');
  }
  const entries: [string, string][] = [];
  for (const [name, entry] of Object.entries(value)) {
    checkName(name, refuse);
    if (typeof entry !== 'string') {
      return refuse('ParameterValueNotString', `expected a string for ${name}, got ${typeof entry}`);
    }
    entries.push([name, entry]);
  }
  if (entries.length > MAX_PARAMETERS) {
    return refuse(
      'ParameterNumberExceeded',
      `expected at most ${MAX_PARAMETERS} parameters, got ${entries.length}`,
    );
  }
  // Not by assignment: `__proto__` is a name like any other.
  return Object.fromEntries(entries);
}

function checkName(name: string, refuse: (code: string, message: string) => never): void {
  if (name.length > MAX_KEY_LENGTH) {
    refuse('ParameterKeyLenExceeded', `expected names of at most ${MAX_KEY_LENGTH} characters`);
  }
  if (!/^[a-zA-Z0-9_-]+$/.test(name)) {
    refuse('ParameterKeyContainsInvalidChar', 'expected names of the characters [a-zA-Z0-9-_]');
  }
}

/** The names that a script uses, hidden ones too, each once. */
function placeholdersOf(content: string): string[] {
  return [...new Set([...content.matchAll(PLACEHOLDER)].map(([, , name]) => name ?? ''))];
}

/** The names that have no value. */
export function lackingParameters(content: string, parameters: Parameters): string[] {
  return placeholdersOf(content).filter((name) => !Object.hasOwn(parameters, name));
}

/** Pastes the values in, as they are: the shell sees them as script. What has no value stays. */
export function renderContent(content: string, parameters: Parameters): string {
  return content.replaceAll(PLACEHOLDER, (placeholder, _hidden, name: string) =>
    Object.hasOwn(parameters, name) ? (parameters[name] ?? '') : placeholder,
  );
}

/** The parameters in records: the values of hidden ones are `******`. */
export function maskHidden(content: string, parameters: Parameters): Parameters {
  const hidden = new Set(
    [...content.matchAll(PLACEHOLDER)].flatMap(([, mark, name]) => (mark && name ? [name] : [])),
  );
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, hidden.has(name) ? '******' : value]),
  );
}
