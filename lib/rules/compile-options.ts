/**
 * Compiles what a rule says of an invocation beyond where and what (`output`, `terminationMode`, `tags`), and refuses
 * what its provider does not take there: what would be ignored in silence is worse than what is refused.
 */
import { type InvocationOptions, OWN_TAG } from '../model/invocation-options.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import type { RunSpec } from './schema.ts';

export type OptionsSpec = Pick<RunSpec, 'output' | 'terminationMode' | 'tags'>;

/** Where what is wrong is collected: a rules file, or one request. */
type Sink = Pick<Problems, 'add' | 'addAtKey'>;

/** Who starts the command: we, by InvokeCommand (`run`, `schedule`); or the provider by itself (a standing schedule). */
type StartedBy = 'us' | 'provider';

/** @returns undefined where the file says none of it; what is wrong is among the problems then */
export function compileOptions(
  spec: OptionsSpec,
  provider: ProviderName,
  startedBy: StartedBy,
  path: Path,
  problems: Sink,
): InvocationOptions | undefined {
  const { output, terminationMode, tags } = spec;
  const given = Object.entries({ output, terminationMode, tags }).filter(([, value]) => value !== undefined);
  if (given.length === 0) return undefined;
  for (const [field] of given) {
    const refusal = REFUSALS[provider][startedBy][field];
    if (refusal !== undefined) problems.add([...path, field], refusal);
  }
  if (output !== undefined) checkOutput(output, provider, [...path, 'output'], problems);
  checkTags(tags ?? {}, MAX_TAGS[provider], [...path, 'tags'], problems);
  return { output, terminationMode, tags };
}

/** @returns why a provider's own schedule has no such field; undefined where it has */
export function refusalOf(provider: ProviderName, field: 'timeout' | 'workingDirectory'): string | undefined {
  return REFUSALS[provider].provider[field];
}

type Refusals = Readonly<Record<string, string>>;

const KILLS_ALL = 'TAT always ends all that a command started; leave it out';

const REFUSALS: Readonly<Record<ProviderName, Readonly<Record<StartedBy, Refusals>>>> = {
  tencent: {
    us: {
      terminationMode: KILLS_ALL,
      tags: 'InvokeCommand of TAT takes no tags; leave them out',
    },
    // CreateInvoker: name, command, instances, user, parameters, settings of its time, tags; and nothing else.
    provider: {
      terminationMode: KILLS_ALL,
      output: 'CreateInvoker of TAT takes no bucket: name it in the stored command (OutputCOSBucketUrl)',
      timeout: 'CreateInvoker of TAT takes no timeout: set that of the stored command',
      workingDirectory: 'CreateInvoker of TAT takes no directory: set that of the stored command',
    },
  },
  alibaba: { us: {}, provider: {} },
};

/** The vendors take 10 (TAT) and 20 (Cloud Assistant); some are ours. */
const MAX_TAGS: Readonly<Record<ProviderName, number>> = { tencent: 7, alibaba: 15 };
const MAX_TAG_KEY = 64;
const MAX_TAG_VALUE = 128;

const BUCKETS: Readonly<Record<ProviderName, { form: RegExp; expected: string; maxPrefix: number }>> = {
  tencent: {
    form: /^https:\/\/[a-z0-9][a-z0-9-]*-\d+\.cos\.[a-z0-9-]+\.myqcloud\.com$/i,
    expected: 'the URL of a COS bucket like https://logs-123454321.cos.ap-beijing.myqcloud.com',
    maxPrefix: 60,
  },
  alibaba: {
    form: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    expected: 'the name of an OSS bucket like ops-logs',
    maxPrefix: 512,
  },
};

function checkOutput(
  { bucket, prefix }: NonNullable<OptionsSpec['output']>,
  provider: ProviderName,
  path: Path,
  problems: Sink,
): void {
  const { form, expected, maxPrefix } = BUCKETS[provider];
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
