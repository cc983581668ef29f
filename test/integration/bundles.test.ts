/** What is in a function's bundle, by the metafile of its build: a function reads what it uses. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Bundle,
  bundleFunction,
  FUNCTIONS,
  type FunctionName,
  inputsOf,
} from '../../bench/function-bundle.ts';
import { LOADERS } from '../../lib/sources/loaders.ts';
import { SOURCES } from '../../lib/sources/registry.ts';

let folder: string;
let bundles: ReadonlyMap<FunctionName, Bundle>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-test-'));
  bundles = new Map(
    await Promise.all(FUNCTIONS.map(async (name) => [name, await bundleFunction(name, folder)] as const)),
  );
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function inputs(name: FunctionName, which: 'imported' | 'all'): string[] {
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`no bundle of ${name}`);
  return inputsOf(bundle, which);
}

/** A file of a package, or of ours. */
const has = (files: readonly string[], part: string) => files.some((file) => file.includes(part));

const TABLE = ['@aws-sdk/client-dynamodb/', '@aws-sdk/lib-dynamodb/'];
const SECRETS = ['@aws-sdk/client-ssm/', '@aws-sdk/client-secrets-manager/'];
const EXPRESSIONS = ['@marcbachmann/cel-js/', 'lib/rules/expression.ts', 'lib/rules/open-rules.ts'];
const CLOUDS = ['node_modules/undici/', 'lib/providers/tencent/client.ts', 'lib/providers/alibaba/client.ts'];
const CHATS = ['lib/chat/answer-chat.ts', 'lib/sources/replies.ts'];
/** What checks settings and messages: it comes with the first event. */
const SCHEMAS = ['node_modules/zod/', 'lib/config.ts'];
const DECIDING = ['lib/runs/decide.ts', 'lib/rules/match.ts', 'lib/rules/render.ts'];
/** The file of each source, told from what they share. */
const SOURCE_FILES = [...SOURCES.keys()].flatMap((name) => [
  `lib/sources/${name}.ts`,
  `lib/sources/${name}/receive.ts`,
]);

it.each(FUNCTIONS)('%s holds no parser of YAML, and nothing that checks a rules file', (name) => {
  const files = inputs(name, 'all');
  expect(files.length).toBeGreaterThan(100);
  const parsers = [
    'node_modules/yaml/',
    'lib/rules/load.ts',
    'lib/rules/schema/rules-file.ts',
    'lib/sources/registry.ts',
  ];
  expect(parsers.filter((part) => has(files, part))).toEqual([]);
});

it.each<[FunctionName, readonly string[]]>([
  [
    'webhook',
    [...TABLE, ...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES],
  ],
  [
    'queue',
    [...TABLE, ...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES],
  ],
  [
    'dispatch',
    [...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES, 'croner/'],
  ],
  ['poller', [...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES]],
  [
    'runs',
    [...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES, 'croner/'],
  ],
  ['records', [...SECRETS, ...EXPRESSIONS, ...CLOUDS, ...CHATS, ...DECIDING, ...SCHEMAS, ...SOURCE_FILES]],
])('importing %s loads nothing that only some events need', (name, parts) => {
  const files = inputs(name, 'imported');
  expect(parts.filter((part) => has(files, part))).toEqual([]);
});

it.each<[FunctionName, readonly string[]]>([
  ['webhook', [...TABLE, ...SECRETS, ...EXPRESSIONS, ...CHATS, ...DECIDING]],
  ['queue', [...TABLE, ...EXPRESSIONS, ...DECIDING]],
  ['dispatch', [...SECRETS, ...CLOUDS, 'lib/sources/replies.ts']],
  ['poller', [...SECRETS, ...CLOUDS, 'lib/sources/replies.ts']],
  ['runs', ['lib/rules/packed-head.ts', 'lib/guards/window-views.ts', 'croner/']],
])('%s has it when it is needed', (name, parts) => {
  const files = inputs(name, 'all');
  expect(parts.filter((part) => !has(files, part))).toEqual([]);
});

it.each(['webhook', 'queue'] as const)('%s has every source', (name) => {
  const files = inputs(name, 'all');
  const missing = [...SOURCES.keys()].filter(
    (source) => !has(files, `lib/sources/${source}.ts`) && !has(files, `lib/sources/${source}/receive.ts`),
  );
  expect(missing).toEqual([]);
});

it('the sources that functions import are the ones that there are', async () => {
  const loaded = await Promise.all([...LOADERS].map(async ([name, load]) => [name, await load()] as const));
  expect(new Map(loaded)).toEqual(SOURCES);
});
