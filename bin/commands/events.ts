/** `fleet-reflex events`: the events that the service took, newest first; for programs, what `simulate` replays. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { printable } from '../../lib/model/printable.ts';
import { type Command, UsageError } from '../command.ts';
import { instantOf } from '../instant-option.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Event = z.looseObject({
  source: z.string(),
  eventId: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  receivedAt: z.iso.datetime(),
  matched: z.array(z.looseObject({ rule: z.string() })),
});
type Event = z.infer<typeof Event>;
const Page = z.looseObject({ events: z.array(Event), cursor: z.string().optional() });

export const command: Command = {
  summary: 'list the events that came; download them for simulate',
  usage: `fleet-reflex events [--since 1d] [--until time] [--source name] [--json]

  --since   an instant (2026-11-20T10:00:00Z), or how long ago (default 1d); events are kept for 30 days
  --until   the same (default now)
  --source  only those of this source
  --json    a line of JSON for each, with what is kept of the event (KEEP_EVENTS, docs/configuration.md):
            fleet-reflex events --since 30d --json > history.jsonl
            fleet-reflex simulate history.jsonl --rules new-rules.yml --against rules.yml

${CONNECTION}`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        since: { type: 'string', default: '1d' },
        until: { type: 'string', default: '0s' },
        source: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0)
      throw new UsageError(`Expected options alone, came ${positionals.join(' ')}.`);
    const now = new Date();
    const since = instantOf('--since', values.since, now);
    const until = instantOf('--until', values.until, now);
    let shown = 0;
    for await (const event of eventsSince(since, values.source, values.json)) {
      if (event.receivedAt > until) continue;
      shown += 1;
      console.log(values.json ? JSON.stringify(event) : lineOf(event));
    }
    if (shown === 0) console.error(`No event came from ${since} to ${until}.`);
    return 0;
  },
};

/** A page at a time, because a month does not fit into memory. */
async function* eventsSince(
  since: string,
  source: string | undefined,
  isWhole: boolean,
): AsyncGenerator<Event> {
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '100' });
    if (cursor !== undefined) query.set('cursor', cursor);
    if (source !== undefined) query.set('source', source);
    if (isWhole) query.set('include', 'event');
    const page = Page.parse(await callRunsApi('GET', `/events?${query}`));
    for (const event of page.events) {
      if (event.receivedAt < since) return;
      yield event;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function lineOf({ receivedAt, type, source, subject, matched }: Event): string {
  const started = matched.map(({ rule }) => rule).join(', ');
  const about = subject === undefined ? '' : `, about ${subject}`;
  const line = `${type} of ${source}${about}${started === '' ? '' : ` → ${started}`}`;
  return `${receivedAt.slice(0, 19).replace('T', ' ')}  ${printable(line)}`;
}
