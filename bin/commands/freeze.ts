/** `fleet-reflex freeze`: the kill switch. */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { printable } from '../../lib/model/printable.ts';
import { WindowView } from '../../lib/model/window.ts';
import { parseDuration } from '../../lib/rules/duration.ts';
import { type Command, UsageError } from '../command.ts';
import { CONNECTION, callRunsApi } from '../runs-client.ts';

const Freeze = z.looseObject({
  isFrozen: z.boolean(),
  by: z.string().optional(),
  onBehalfOf: z.string().optional(),
  reason: z.string().optional(),
  until: z.string().optional(),
  windows: z.array(WindowView.loose()).optional(),
  windowsUnread: z.string().optional(),
});

export const command: Command = {
  summary: 'stop every run that is not sent yet, and lift that again',
  usage: `fleet-reflex freeze                                       is it frozen?
fleet-reflex freeze --reason <text> [--for <2h>] [--by <name>]
fleet-reflex freeze --lift

While it is frozen, what matches a rule ends as rejected with who froze it and why; what is sent already goes on.
On record are the token's name and, beside it, --by (default: who is logged in here). Setting and lifting it needs a
token with the scope freeze.

Without options it also shows the windows of the deployed rules file (freezes, only): the open ones, and when the others
open. A rule's own windows are shown by fleet-reflex rules check.

${CONNECTION}`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        reason: { type: 'string' },
        for: { type: 'string' },
        by: { type: 'string' },
        lift: { type: 'boolean' },
      },
    });
    if (values.lift === true) return print(await callRunsApi('DELETE', '/freeze'));
    if (values.reason === undefined) {
      if (values.for !== undefined) throw new UsageError('Say why: --reason <text>.');
      return print(await callRunsApi('GET', '/freeze'));
    }
    const forMs = values.for === undefined ? undefined : parseDuration(values.for);
    if (values.for !== undefined && forMs === undefined) {
      throw new UsageError(`--for ${values.for}: expected a duration like 30m or 2h.`);
    }
    const until = forMs === undefined ? undefined : new Date(Date.now() + forMs).toISOString();
    const by = values.by ?? userInfo().username;
    return print(await callRunsApi('PUT', '/freeze', { reason: values.reason, by, until }));
  },
};

function print(answer: unknown): number {
  const { isFrozen, by, onBehalfOf, reason, until, windows = [], windowsUnread } = Freeze.parse(answer);
  if (!isFrozen)
    console.log(`Not frozen by hand${windows.length === 0 ? ': what matches a rule is run.' : '.'}`);
  else {
    const forWhom = onBehalfOf === undefined ? '' : `, on behalf of ${onBehalfOf}`;
    console.log(`Frozen by ${by} until ${until ?? 'it is lifted'}${forWhom}: ${reason}`);
  }
  for (const window of windows) console.log(printable(lineOf(window)));
  if (windowsUnread !== undefined) console.log(printable(windowsUnread));
  return 0;
}

/** `freeze month-end: open now, until …`; `only nights: opens at …, until …` */
function lineOf({ kind, name, isOpen, opensAt, until = 'for good', except }: WindowView): string {
  const when = isOpen ? `open now, until ${until}` : `opens at ${opensAt}, until ${until}`;
  const others = except.length === 0 ? '' : `, except ${except.join(', ')}`;
  return `  ${kind} ${name}: ${when}${others}`;
}
