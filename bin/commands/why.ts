/** `fleet-reflex why`: why an event ran what it ran, and why it did not run the rest. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { Actor, describeActor } from '../../lib/model/actor.ts';
import { printable } from '../../lib/model/printable.ts';
import { type Command, UsageError } from '../command.ts';
import { lineOf, linesOf, RunDetail } from '../run-lines.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Event = z.looseObject({
  source: z.string(),
  eventId: z.string(),
  deliveryId: z.string().optional(),
  type: z.string(),
  subject: z.string().optional(),
  actor: Actor.loose().optional(),
  receivedAt: z.string(),
  matched: z.array(z.looseObject({ rule: z.string(), runId: z.string() })),
  unmatched: z.array(z.looseObject({ rule: z.string(), because: z.string() })),
  unmatchedOmitted: z.number().optional(),
  notes: z.array(z.looseObject({ code: z.string(), message: z.string() })).default([]),
  /** Those of one request that were decided alike. */
  events: z.array(z.looseObject({ eventId: z.string(), subject: z.string().optional() })).optional(),
});
type Event = z.infer<typeof Event>;
const Page = z.looseObject({ events: z.array(Event), cursor: z.string().optional() });

/** Of a record for many events so many are named that the text is about. */
const MAX_OTHERS = 5;

/** So many events are looked through, newest first. */
const LOOKED_THROUGH = 1_000;

export const command: Command = {
  summary: 'why an event started what it started, and nothing else',
  usage: `fleet-reflex why [<text>] [--limit <n>] [--json]
fleet-reflex why <run id>

  <text>   part of an event's id, subject, type, source, rule or person; without one, the newest events
  --limit  so many events at most (default 5)

${CONNECTION}`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { limit: { type: 'string' }, json: { type: 'boolean' } },
    });
    const [text = '', ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('One text; put quotes around it when it has spaces.');
    const limit = Number(values.limit ?? 5);
    if (!Number.isInteger(limit) || limit < 1)
      throw new UsageError(`--limit ${values.limit}: expected a number from 1.`);
    if (/^run-[a-z2-7]{26}$/.test(text)) return await explainRun(text);
    const events = await findEvents(text, limit);
    if (values.json === true) console.log(JSON.stringify(events, undefined, 2));
    else for (const event of events) await explain(event, text);
    if (events.length > 0) return 0;
    console.error(
      `No event of the newest ${LOOKED_THROUGH} has ${JSON.stringify(text)} in its id, subject, type, source or rules. A refused request (a wrong signature, an unreadable body) is in the webhook's log as request.refused.`,
    );
    return 1;
  },
};

async function explainRun(runId: string): Promise<number> {
  const run = RunDetail.parse(await callRunsApi('GET', `/runs/${runId}`));
  for (const line of linesOf(run)) say(line);
  return 0;
}

async function findEvents(text: string, limit: number): Promise<Event[]> {
  const found: Event[] = [];
  let cursor: string | undefined;
  for (let seen = 0; seen < LOOKED_THROUGH && found.length < limit; ) {
    const query = new URLSearchParams({ limit: '100', ...(cursor !== undefined && { cursor }) });
    const page = Page.parse(await callRunsApi('GET', `/events?${query}`));
    found.push(...page.events.filter((event) => isAbout(event, text)));
    seen += page.events.length;
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return found.slice(0, limit);
}

function isAbout(event: Event, text: string): boolean {
  const { source, eventId, deliveryId = '', type, subject = '', matched, unmatched, notes } = event;
  const who = event.actor === undefined ? '' : describeActor(event.actor);
  const codes = notes.map(({ code }) => code);
  const rules = [...matched, ...unmatched].map(({ rule }) => rule);
  return (
    has([source, eventId, deliveryId, type, subject, who, ...rules, ...codes], text) ||
    othersAbout(event, text).length > 0
  );
}

function othersAbout({ events = [] }: Event, text: string): Event['events'] & {} {
  return events.filter(({ eventId, subject = '' }) => has([eventId, subject], text));
}

function has(texts: readonly string[], part: string): boolean {
  return texts.some((it) => it.toLowerCase().includes(part.toLowerCase()));
}

async function explain(event: Event, text: string): Promise<void> {
  const { source, eventId, deliveryId, type, subject, actor, receivedAt, notes } = event;
  const { matched, unmatched, unmatchedOmitted } = event;
  say(
    `${receivedAt.slice(0, 19).replace('T', ' ')}  ${type} of ${source}${subject ? `, about ${subject}` : ''} (${deliveryId ?? eventId})`,
  );
  if (actor !== undefined) say(`  by ${describeActor(actor)}`);
  for (const { code, message } of notes) say(`  ! ${code}: ${message}`);
  const isRefused = notes.some(({ code }) => code === 'event.stale');
  if (matched.length + unmatched.length === 0 && !isRefused) say(`  no rule is on ${source}`);
  for (const { rule, runId } of matched) {
    const run = RunDetail.safeParse(await callRunsApi('GET', `/runs/${runId}`).catch(() => undefined));
    say(
      run.success
        ? `  ✓ ${lineOf(run.data)}`
        : `  ✓ ${rule} (${runId} is not stored: one just asked for comes in a moment)`,
    );
  }
  for (const { rule, because } of unmatched) say(`  · ${rule}: ${because}`);
  if (unmatchedOmitted !== undefined) say(`  … and ${unmatchedOmitted} more rules that said no`);
  const others = othersAbout(event, text);
  const named = others.slice(0, MAX_OTHERS).map(({ eventId: id }) => id);
  const more = others.length - named.length;
  if (named.length > 0) say(`  so too     ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
}

/** Ids, subjects and names are what their senders made them. */
function say(line: string): void {
  console.log(printable(line));
}
