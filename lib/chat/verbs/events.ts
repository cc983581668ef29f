/** `events`: the newest events that concern the rules the person may use, and what they started. */
import { describeActor } from '../../model/actor.ts';
import { defineVerb, type Lines } from '../verb.ts';

const MAX_EVENTS = 5;

export const events = defineVerb({
  name: 'events',
  usage: 'events',
  summary: 'the newest events, and which of your rules they started',
  parse: ({ args }) =>
    args.length === 0
      ? { ok: true, command: { verb: 'events' as const } }
      : { ok: false, problem: `expected nothing more, came \`${args.join(' ')}\`` },
  async perform(_, person): Promise<Lines> {
    const newest = await person.newestEvents(MAX_EVENTS);
    if (newest.length === 0) return ['There are no events that concern a rule of yours here.'];
    return newest.map(({ source, type, subject, receivedAt, actor, matched }) => {
      const started = matched.map(({ rule, runId, rejected }) =>
        rejected === undefined
          ? `\`${rule}\` started \`${runId}\``
          : `\`${rule}\` was refused (\`${runId}\`)`,
      );
      const by = actor === undefined ? '' : ` by ${describeActor(actor).replaceAll('`', "'")}`;
      const what = subject === undefined ? type : `${type} \`${subject}\``;
      return `${source} ${what} at ${receivedAt}${by}: ${started.join(', ') || 'none of your rules fired'}`;
    });
  },
});
