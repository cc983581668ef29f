/** The names that a rules file gives. */
import * as z from 'zod';

const NAME_FORM = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A schema for the name of a rule, a fleet, …: `what`. */
export function nameOf(what: string) {
  return z.string().regex(NAME_FORM, `expected a ${what}'s name of small letters, digits and -, at most 63`);
}
