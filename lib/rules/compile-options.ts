/**
 * Compiles what a rule says of an invocation beyond where and what (`output`, `terminationMode`, `tags`), and refuses
 * what its provider does not take there: what would be ignored in silence is worse than what is refused.
 */
import { type InvocationOptions, OWN_TAG } from '../model/invocation-options.ts';
import {
  CAPABILITIES,
  type Capability,
  lackOf,
  type ProviderFacts,
  type StartedBy,
} from '../providers/facts.ts';
import { factsOf } from '../providers/registry.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import type { RunSpec } from './schema/actions.ts';

export type OptionsSpec = Pick<RunSpec, 'output' | 'terminationMode' | 'tags'>;

/** Where what is wrong is collected: a rules file, or one request. */
type Sink = Pick<Problems, 'add' | 'addAtKey'>;

/** @returns undefined where the file says none of it; what is wrong is among the problems then */
export function compileOptions(
  spec: OptionsSpec,
  provider: string,
  startedBy: StartedBy,
  path: Path,
  problems: Sink,
): InvocationOptions | undefined {
  const { output, terminationMode, tags } = spec;
  if (output === undefined && terminationMode === undefined && tags === undefined) return undefined;
  const facts = factsOf(provider);
  refuseLacks({ output, terminationMode, tags }, facts, startedBy, path, problems);
  if (output !== undefined) checkOutput(output, facts, [...path, 'output'], problems);
  if (facts.maxTags !== undefined) checkTags(tags ?? {}, facts.maxTags, [...path, 'tags'], problems);
  return { output, terminationMode, tags };
}

/** Refuses what the cloud has no word for. @param given what the author wrote; undefined for what is absent */
export function refuseLacks(
  given: Readonly<Partial<Record<Capability, unknown>>>,
  facts: ProviderFacts,
  startedBy: StartedBy,
  path: Path,
  problems: Pick<Sink, 'add'>,
): void {
  for (const capability of CAPABILITIES) {
    const lack = given[capability] === undefined ? undefined : lackOf(facts, startedBy, capability);
    if (lack !== undefined) problems.add([...path, capability], lack);
  }
}

const MAX_TAG_KEY = 64;
const MAX_TAG_VALUE = 128;

function checkOutput(
  { bucket, prefix }: NonNullable<OptionsSpec['output']>,
  { bucket: forms }: ProviderFacts,
  path: Path,
  problems: Sink,
): void {
  // That it has none is among the problems already.
  if (forms === undefined) return;
  const { form, expected, maxPrefix } = forms;
  if (!form.test(bucket)) {
    problems.add([...path, 'bucket'], `expected ${expected}, came ${show(bucket)}`);
  }
  if (prefix === undefined) return;
  const isFine =
    /^[^\p{C}\p{Z}$/][^\p{C}\p{Z}$]*$/u.test(prefix) &&
    !prefix.includes('//') &&
    !prefix.split('/').includes('..');
  if (!isFine || prefix.length > maxPrefix) {
    problems.add(
      [...path, 'prefix'],
      `expected a folder like ops/logs as it stands (no \`\${…}\`, no blank, no leading or double /, no ..), at most ${maxPrefix} characters, came ${show(prefix)}`,
    );
  }
}

function checkTags(tags: Readonly<Record<string, string>>, most: number, path: Path, problems: Sink): void {
  const names = Object.keys(tags);
  if (names.length > most) problems.add(path, `expected at most ${most} tags, came ${names.length}`);
  for (const [key, value] of Object.entries(tags)) {
    const at = [...path, key];
    if (OWN_TAG.test(key)) {
      problems.addAtKey(at, 'names that begin with fleet-reflex are ours; choose another');
    } else if (key.length > MAX_TAG_KEY || /^(aliyun|acs:)/i.test(key) || !isTagText(key) || key === '') {
      problems.addAtKey(
        at,
        `expected a key of 1 to ${MAX_TAG_KEY} characters that does not begin with aliyun or acs: and has no http:// or \`\${…}\` in it`,
      );
    }
    if (value.length > MAX_TAG_VALUE || !isTagText(value)) {
      problems.add(
        at,
        `expected a text of at most ${MAX_TAG_VALUE} characters as it stands, without http:// and \`\${…}\``,
      );
    }
  }
}

/** As the vendors take it; and no template, for an event chooses no tag. */
function isTagText(text: string): boolean {
  return !/https?:\/\/|\$\{|\p{C}/u.test(text);
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
