/**
 * Checks the recurrence of a schedule with its cloud's own reader. Here and not in lib/rules, so that the functions that
 * load rules need no crontab parser.
 */
import { messageOf } from '../../../lib/errors.ts';
import { recurrencesOf } from '../../../lib/providers/registry.ts';
import type { Rule, StandingSchedule } from '../../../lib/rules/rule.ts';

/** @returns what is wrong with each, in their order */
export async function problemsOf<Item>(
  items: readonly Item[],
  check: (item: Item) => Promise<string | undefined>,
): Promise<string[]> {
  const problems = await Promise.all(items.map(check));
  return problems.filter((problem) => problem !== undefined);
}

/** @returns what is wrong, or undefined */
export async function checkRecurrence(schedule: StandingSchedule): Promise<string | undefined> {
  const { name, provider, timing } = schedule;
  if (!('recurrence' in timing)) return undefined;
  const problem = (await recurrencesOf(provider)).problemOf(timing.recurrence);
  return problem === undefined ? undefined : `schedules ${name}: ${problem}`;
}

/** The same for a rule, which we fire ourselves; a recurrence that comes from the event is checked when it is there. */
export async function checkRule({ name, action }: Rule): Promise<string | undefined> {
  if (action.kind !== 'schedule' || !('recurrence' in action.timing)) return undefined;
  const { literal } = action.timing.recurrence;
  const problem = literal === undefined ? undefined : await problemHere(action.target.provider, literal);
  return problem === undefined ? undefined : `rules ${name}: ${problem}`;
}

async function problemHere(provider: string, recurrence: string): Promise<string | undefined> {
  const recurrences = await recurrencesOf(provider);
  try {
    const now = new Date();
    const next = recurrences.nextTime(recurrence, now, now);
    return next === undefined ? `recurrence '${recurrence}': it never fires` : undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
