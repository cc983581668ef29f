/**
 * What may be run where: the forms of ids and names, the patterns of values, and the limits that no rule lifts. Asked
 * when a rule is rendered, and again at dispatch, which trusts its queue no further than this.
 */
import type { ProviderName } from '../model/provider-name.ts';
import { factsOf } from '../providers/registry.ts';
import { compilePattern, type LinearPattern, type Spend } from '../regex/linear-match.ts';
import { describeMismatch } from './mismatch.ts';
import { DEFAULT_PATTERN } from './safe-text.ts';

/** Why something may not run: a code for programs, and what was expected and came. */
export interface Objection {
  code: string;
  message: string;
}

/** More than this is not a list that somebody meant, and would not fit into a message. */
const MAX_INSTANCES = 2000;
/** This bounds the work of the patterns … */
const MAX_VALUE = 8192;
/** … and this the message: the vendors take no more than 24 KB of script and values together. */
const MAX_VALUES = 24_576;

/** What no pattern lifts: a shell, a terminal or a log may read it as anything, and no parameter needs it. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;
const PARAMETER_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

export const REGION = /^[a-z]{2}[a-z0-9-]{1,62}$/;
/** System users, and a domain's on Windows. */
export const USERNAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}([\\@][A-Za-z0-9_.-]{1,127})?\$?$/;
/** An absolute path without anything that a shell would read twice. */
export const WORKING_DIRECTORY = /^(\/|[A-Za-z]:\\)[A-Za-z0-9_.,:@+=/\\ -]{0,254}$/;

export function objectToRegion(region: string): Objection | undefined {
  return checkForm('region', region, REGION, 'a region like ap-guangzhou');
}

export function objectToCommand(command: string, provider: ProviderName): Objection | undefined {
  const { form, example } = factsOf(provider).command;
  return checkForm('command', command, form, `a command of ${provider}, ${example}`);
}

export function objectToUsername(username: string): Objection | undefined {
  return checkForm('username', username, USERNAME, 'a user name like deploy');
}

export function objectToWorkingDirectory(path: string): Objection | undefined {
  const expected = 'an absolute path without characters that a shell reads';
  return checkForm('workingDirectory', path, WORKING_DIRECTORY, expected);
}

export function objectToInstance(id: string, provider: ProviderName): Objection | undefined {
  const { form, example } = factsOf(provider).instance;
  if (form.test(id)) return undefined;
  return {
    code: 'instances.invalid',
    message: `\`instances\`: expected ids of ${provider}, ${example}, came ${showValue(id)}`,
  };
}

/** @param ids each once */
export function objectToCount(ids: number): Objection | undefined {
  if (ids === 0) {
    return {
      code: 'instances.invalid',
      message: '`instances`: the list is empty; there is nothing to run on',
    };
  }
  if (ids <= MAX_INSTANCES) return undefined;
  return {
    code: 'instances.invalid',
    message: `\`instances\`: expected at most ${MAX_INSTANCES} instances, came ${ids}`,
  };
}

/**
 * @param spend told of the work beforehand, in steps; what it throws goes through
 * @param isSecret the reason contains nothing of the value
 */
export function objectToValue(
  name: string,
  value: string,
  pattern: LinearPattern,
  spend?: Spend,
  isSecret = false,
): Objection | undefined {
  const unsafe = (what: string) => ({
    code: 'parameters.unsafe',
    message: `the parameter \`${name}\`: ${what}`,
  });
  if (value.length > MAX_VALUE) {
    return unsafe(`expected at most ${MAX_VALUE} characters, came ${value.length}`);
  }
  const result = pattern.matchWhole(value, spend);
  if (!result.isMatch) return unsafe(describeMismatch(value, result.reached, pattern, isSecret));
  return CONTROL.test(value) ? unsafe('it has a control character, which no pattern lets in') : undefined;
}

/** All values of a command together; each by itself is `objectToValue`'s. */
export function objectToParameters(
  parameters: Readonly<Record<string, string>>,
  provider: ProviderName,
): Objection | undefined {
  const names = Object.keys(parameters);
  const { maxParameters } = factsOf(provider);
  if (names.length > maxParameters || !names.every((name) => PARAMETER_NAME.test(name))) {
    return {
      code: 'parameters.unsafe',
      message: `the parameters: expected at most ${maxParameters}, with names of letters, digits, - and _, came ${names.length}`,
    };
  }
  const length = Object.values(parameters).reduce((sum, value) => sum + value.length, 0);
  if (length <= MAX_VALUES) return undefined;
  return {
    code: 'parameters.unsafe',
    message: `the parameters: expected at most ${MAX_VALUES} characters in all, came ${length}`,
  };
}

function checkForm(field: string, value: string, form: RegExp, expected: string): Objection | undefined {
  if (form.test(value)) return undefined;
  return {
    code: `${field}.invalid`,
    message: `\`${field}\`: expected ${expected}, came ${showValue(value)}`,
  };
}

function defaultPattern(): LinearPattern {
  const compiled = compilePattern(DEFAULT_PATTERN);
  if (!compiled.ok) throw new Error(compiled.problem);
  return compiled.pattern;
}

/** For a parameter without a pattern of its own. */
export const DEFAULT: LinearPattern = defaultPattern();

/** Plain characters are shown as they came; others are only counted, for a record is read by people and programs. */
export function showValue(value: string): string {
  if (value === '') return 'nothing';
  if (/^[A-Za-z0-9_.,:@/+=-]{1,60}$/.test(value)) return `\`${value}\``;
  const length = value.length > MAX_VALUE ? value.length : [...value].length;
  return `${length} characters that are none`;
}
