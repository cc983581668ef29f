/**
 * The local fleet as a file: which instances exist, in what state, and which commands are stored. One file serves all
 * clouds; what has an id of the form of several says whose it is. A wrong file is refused whole, with each place and
 * what was expected.
 */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { allProviders } from '../../lib/providers/registry.ts';

const ID = /^[a-z]+-[a-z0-9]{4,32}$/;
const Provider = z.string().optional().describe('Whose it is; default the cloud that has such ids');

export const FleetInstance = z
  .strictObject({
    id: z.string(),
    provider: Provider,
    name: z.string().optional().describe('What the console shows; default the id'),
    state: z
      .enum(['running', 'stopped', 'pending'])
      .default('running')
      .describe('Only running instances take commands; one that is pending is being made'),
    agent: z
      .enum(['online', 'offline', 'not-installed'])
      .default('online')
      .describe('The agent on the instance'),
    os: z
      .enum(['linux', 'windows'])
      .default('linux')
      .describe('Windows instances exist, but run nothing here'),
    region: z.string().optional().describe('The one region it is seen in; default every region'),
    tags: z.record(z.string(), z.string()).default({}).describe('By which a tagged fleet finds it'),
  })
  .transform((instance, context) => ({
    ...instance,
    name: instance.name ?? instance.id,
    provider: ownerOf(instance, 'instance', context),
    kind: kindOf(instance.id),
  }));
/** One local instance, with the cloud that has it. */
export type FleetInstance = z.infer<typeof FleetInstance>;

export const FleetCommand = z
  .strictObject({
    id: z.string(),
    provider: Provider,
    name: z.string().min(1),
    description: z.string().default(''),
    content: z
      .string()
      .min(1)
      .describe('The script, plain text; {{name}} is a parameter when enableParameter'),
    type: z.enum(['shell', 'powershell', 'bat']).default('shell'),
    enableParameter: z.boolean().default(false),
    defaultParameters: z.record(z.string(), z.string()).default({}),
    timeoutSeconds: z.int().min(1).max(86_400).default(60),
    workingDirectory: z.string().optional().describe("Default: the instance's own directory"),
    username: z.string().optional().describe('Default: root'),
  })
  .transform((command, context) => ({ ...command, provider: ownerOf(command, 'command', context) }));
/** One stored command, as the fleet file has it. */
export type FleetCommand = z.infer<typeof FleetCommand>;

export const Fleet = z
  .strictObject({
    version: z.literal(1),
    instances: z.array(FleetInstance),
    commands: z.array(FleetCommand).default([]),
  })
  .superRefine((fleet, context) => {
    for (const list of ['instances', 'commands'] as const) {
      const seen = new Set<string>();
      fleet[list].forEach(({ id }, index) => {
        if (seen.has(id)) {
          context.addIssue({ code: 'custom', path: [list, index, 'id'], message: `${id} is there twice` });
        }
        seen.add(id);
      });
    }
  });
export type Fleet = z.infer<typeof Fleet>;

/**
 * Reads and checks a fleet file.
 * @throws FleetReflexError `fleet.unreadable` or `fleet.invalid`; the message has one line per problem, each with
 * `file:line:column`, the place in the file, and what was expected
 */
export function loadFleet(file: string | URL): Fleet {
  const name = String(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new FleetReflexError(
      'fleet.unreadable',
      `The fleet file ${name} cannot be read: ${messageOf(error)}`,
      { details: { file: name }, cause: error },
    );
  }
  return parseFleet(text, name);
}

/** The same for a text; `name` stands for the file in messages. */
export function parseFleet(text: string, name = 'fleet.yml'): Fleet {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw invalid(document.errors.map((error) => `${place(error.pos[0])}: ${error.message.split('\n')[0]}`));
  }
  const parsed = Fleet.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => {
      const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
      return `${place(offsetOf(document, path))}: ${path.join('.') || 'the file'}: ${issue.message}`;
    }),
  );
}

function invalid(problems: string[]): FleetReflexError {
  return new FleetReflexError('fleet.invalid', problems.join('\n'), { details: { problems } });
}

/** Where a path stands in the text, or its nearest parent that is there. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path[length - 1]);
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isMap(node)) return node.range?.[0] ?? 0;
  }
  return 0;
}

/** The one cloud that it can be of. */
function ownerOf(
  { id, provider }: { id: string; provider?: string | undefined },
  what: 'instance' | 'command',
  context: z.core.$RefinementCtx,
): string {
  const able = allProviders().filter((facts) => ID.test(id) && facts[what].form.test(id));
  const [owner, other] = able.filter(({ name }) => provider === undefined || name === provider);
  if (owner !== undefined && other === undefined) return owner.name;
  const known = allProviders().map((facts) => `${facts[what].example} (${facts.name})`);
  const message =
    owner === undefined
      ? `expected ${known.join(' or ')}, small letters and digits${provider === undefined ? '' : `, of ${provider}`}`
      : `may be of ${able.map(({ name }) => name).join(' or ')}: say which with \`provider\``;
  context.addIssue({ code: 'custom', path: ['id'], message });
  return z.NEVER;
}

function kindOf(id: string): 'CVM' | 'LIGHTHOUSE' | 'REGISTERINST' | 'ECS' | 'MANAGED' {
  if (id.startsWith('ins-')) return 'CVM';
  if (id.startsWith('lhins-')) return 'LIGHTHOUSE';
  if (id.startsWith('rins-')) return 'REGISTERINST';
  return id.startsWith('mi-') ? 'MANAGED' : 'ECS';
}
