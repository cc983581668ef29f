/** Reads a file, or a value, as trigger events: one as it is, or what a source makes of a payload. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { FleetReflexError, messageOf } from '../../../lib/errors.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import type { Origin } from '../../../lib/runs/decide.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { requestOfMessage, type Source } from '../../../lib/sources/source.ts';
import { UsageError } from '../../command.ts';

export type ReadEvents =
  /** `origin`: what the source says of the request beside its events. */
  | { kind: 'events'; events: readonly TriggerEvent[]; origin: Omit<Origin, 'askedAt'> }
  | { kind: 'ignored'; because: string };

/**
 * @param file `-` is the standard input
 * @param settings of the sources, as the rules file has them
 * @throws FleetReflexError `event.*`, `body.*`; UsageError
 */
export async function readEvents(
  file: string,
  sourceName: string | undefined,
  settings: RuleSet['sources'],
  now: Date,
): Promise<ReadEvents> {
  const body = await read(file);
  return toEvents(parse(body, file), { body, file, sourceName, option: '--source' }, settings, now);
}

/**
 * @param value what the body says
 * @param given `file`: its name may be the source's. `option`: where a person says which source it is
 * @throws FleetReflexError `event.*`, `body.*`; UsageError
 */
export function toEvents(
  value: unknown,
  given: { body: string; file: string; sourceName: string | undefined; option: string },
  settings: RuleSet['sources'],
  now: Date,
): ReadEvents {
  const { body, sourceName } = given;
  const event = TriggerEvent.safeParse(value);
  if (event.success && sourceName === undefined) return { kind: 'events', events: [event.data], origin: {} };
  const source = findSource(given, value);
  const normalisation = source.receiveMessage(requestOfMessage(body), {
    // Nothing is verified here, and no source may do without one.
    secrets: [''],
    now,
    settings: settings[source.name] ?? source.settings.parse({}),
  });
  switch (normalisation.kind) {
    case 'events': {
      const { events, replyTo, isTimeProved, contents, notes } = normalisation;
      return { kind: 'events', events, origin: { replyTo, isTimeProved, contents, notes } };
    }
    case 'ignored':
      return normalisation;
    case 'answered':
      return { kind: 'ignored', because: 'it is a handshake, which is answered at once' };
  }
}

async function read(file: string): Promise<string> {
  if (file === '-') return await text(process.stdin);
  return await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new FleetReflexError('event.missing', `There is no file ${file} that can be read.`, { cause });
  });
}

function parse(body: string, file: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch (cause) {
    throw new FleetReflexError('event.invalid', `${file}: expected JSON: ${messageOf(cause)}`, { cause });
  }
}

/** The one that was named, or the one of the file's name, or the one that knows the payload as its own. */
function findSource(
  { file, sourceName: name, option }: { file: string; sourceName: string | undefined; option: string },
  value: unknown,
): Source {
  const known = [...SOURCES.keys()].join(', ');
  const guess = name ?? basename(file).split('.', 1)[0] ?? '';
  const named = SOURCES.get(guess);
  if (named !== undefined) return named;
  if (name !== undefined) throw new UsageError(`There is no source \`${name}\`. Sources: ${known}.`);
  const own = [...SOURCES.values()].filter((source) => source.recognises?.(value) === true);
  const [only] = own;
  if (only !== undefined && own.length === 1) return only;
  throw new UsageError(
    `This is no trigger event, and it is not clear who sent it: add ${option}, one of ${known}.`,
  );
}
