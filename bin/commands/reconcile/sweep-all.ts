/** All steps of a sweep, one after the other: runs, then for each place its locks and its invocations. */
import * as z from 'zod';

const Finding = z.object({
  code: z.string(),
  where: z.string(),
  message: z.string(),
  advice: z.string(),
  state: z.enum(['repaired', 'repairable', 'person', 'unclaimed']),
});
export type Finding = z.infer<typeof Finding>;

const Place = z.object({ provider: z.string(), region: z.string() });
const Listed = z.object({ invocationId: z.string(), command: z.string(), createdAt: z.string().optional() });
const Places = z.object({ places: z.array(Place) });
const Swept = z.object({ findings: z.array(Finding), seen: z.number(), cursor: z.string().optional() });
const Runs = Swept.extend({
  known: z.array(Place.extend({ command: z.string(), invocationIds: z.array(z.string()) })),
});
const Invocations = Swept.extend({ unmarked: z.array(Listed) });

export interface Sweep {
  /** `POST /reconcile` with this body. */
  ask: (step: object) => Promise<unknown>;
  since: Date;
  isDryRun: boolean;
  onFinding: (finding: Finding) => void;
  onProgress: (seen: Seen) => void;
}

export interface Seen {
  runs: number;
  locks: number;
  invocations: number;
}

/** A run may have been asked for before the window, and sent within it. */
const SENT_LATER_MS = 86_400_000;

export async function sweepAll({ ask, since, isDryRun, onFinding, onProgress }: Sweep): Promise<Seen> {
  const seen: Seen = { runs: 0, locks: 0, invocations: 0 };
  const earlier = new Date(since.getTime() - SENT_LATER_MS);
  const knownIds = new Set<string>();
  const ownCommands = new Set<string>();

  const tell = ({ findings, seen: count }: z.infer<typeof Swept>, what: keyof Seen): void => {
    for (const finding of findings) onFinding(finding);
    seen[what] += count;
    onProgress(seen);
  };

  await pages(async (cursor) => {
    const page = Runs.parse(await ask({ step: 'runs', since: earlier.toISOString(), cursor, isDryRun }));
    for (const { command, invocationIds, ...place } of page.known) {
      ownCommands.add(keyOf(place, command));
      for (const id of invocationIds) knownIds.add(keyOf(place, id));
    }
    tell(page, 'runs');
    return page.cursor;
  });

  const { places } = Places.parse(await ask({ step: 'places' }));
  for (const place of places) {
    tell(Swept.parse(await ask({ step: 'locks', ...place, isDryRun })), 'locks');
    await pages(async (cursor) => {
      const asked = { step: 'invocations', ...place, since: since.toISOString(), cursor };
      const page = Invocations.parse(await ask(asked));
      tell(page, 'invocations');
      for (const one of page.unmarked) {
        const isOfOurRules = ownCommands.has(keyOf(place, one.command));
        if (isOfOurRules && !knownIds.has(keyOf(place, one.invocationId))) onFinding(unclaimed(one, place));
      }
      return page.cursor;
    });
  }
  return seen;
}

/** The cloud takes no mark: somebody may have run the command by hand. */
function unclaimed(
  { invocationId, command, createdAt }: z.infer<typeof Listed>,
  { provider, region }: z.infer<typeof Place>,
): Finding {
  return {
    code: 'invocation.not-ours-or-unknown',
    where: `${provider}/${region}: ${invocationId}`,
    message: `It ran ${command} at ${createdAt ?? 'a time that the cloud does not say'}, a command of our rules, and no run knows it. ${provider} takes no mark, so that nobody can say whose it is.`,
    advice: 'Nothing to do if somebody ran it by hand, or if another deployment did.',
    state: 'unclaimed',
  };
}

function keyOf({ provider, region }: z.infer<typeof Place>, id: string): string {
  return `${provider}#${region}#${id}`;
}

async function pages(next: (cursor: string | undefined) => Promise<string | undefined>): Promise<void> {
  let cursor: string | undefined;
  do cursor = await next(cursor);
  while (cursor !== undefined);
}
