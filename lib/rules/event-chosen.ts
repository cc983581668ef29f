/**
 * The fields of a rule that an event may choose. The authors of the file decide where and what a rule runs; a field that an
 * event chooses is refused unless `unsafe` names it, so that it is never open by accident.
 */
import type { PatternTraits } from '../regex/pattern-traits.ts';
import { closest } from './did-you-mean.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import { SHELL_CHARACTERS } from './safe-text.ts';
import type { Template } from './template.ts';

/** Whether an event decides what the field is. A template without an expression is the same for every event. */
export function isFromEvent({ literal }: Template): boolean {
  return literal === undefined;
}

/** Whether an event decides at least one of the instances. */
export function areInstancesFromEvent(instances: readonly Template[]): boolean {
  return instances.some(isFromEvent);
}

/** The field `unsafe` of a `run` or `schedule`. */
export interface Unsafe {
  /** Reports the field at this path of the run where an event chooses it, unless `unsafe` names it. */
  refuse(field: string, template: Template | undefined, instead: string): void;
  /** Reports a parameter's pattern that lets an event write more than a word, unless `unsafe` names it. */
  refusePattern(parameter: string, pattern: PatternFacts): void;
  /** Reports what `unsafe` names without need. */
  finish(): void;
}

interface PatternFacts {
  readonly traits: PatternTraits;
  mayTake(character: string): boolean;
  matchWhole(text: string): { isMatch: boolean };
}

const FIELDS = ['instances', 'command', 'region', 'username', 'workingDirectory', 'patterns'];
const OF_A_PARAMETER = /^(patterns|parameters)\../s;

/** @param path that of the `run` or `schedule` */
export function readUnsafe(
  names: readonly string[],
  path: Path,
  { problems, warnings }: { problems: Problems; warnings: Problems },
): Unsafe {
  const needed = new Set<string>();
  const isNamed = (...fields: readonly string[]): boolean => {
    const found = names.filter((name) => fields.includes(name));
    for (const name of found) needed.add(name);
    return found.length > 0;
  };
  return {
    refuse(field, template, instead) {
      if (template === undefined || !isFromEvent(template) || isNamed(field)) return;
      problems.add(
        [...path, field],
        `is chosen by the event; ${instead}, or, if any value that an event gives is meant, \`unsafe: [${field}]\``,
      );
    },
    refusePattern(parameter, pattern) {
      const why = dangerOf(pattern);
      const at = [...path, 'patterns', parameter];
      if (why !== undefined) {
        if (isNamed('patterns', `patterns.${parameter}`, `parameters.${parameter}`)) return;
        problems.add(
          at,
          `${why}; write a narrower one, or, if that is meant, \`unsafe: [patterns.${parameter}]\``,
        );
      } else if (pattern.matchWhole('').isMatch) {
        warnings.add(at, 'takes the empty value too: what would the command do without it?');
      }
    },
    finish() {
      for (const [index, name] of names.entries()) {
        const at = [...path, 'unsafe', index];
        if (!FIELDS.includes(name) && !OF_A_PARAMETER.test(name)) problems.add(at, unknownField(name));
        else if (!needed.has(name)) {
          warnings.add(
            at,
            `\`${name}\` is not needed: nothing there would be refused. Take it out, so that it hides no later mistake`,
          );
        }
      }
    },
  };
}

function unknownField(name: string): string {
  const guess = closest(name, FIELDS);
  const instead =
    guess === undefined ? `known: ${FIELDS.join(', ')}, patterns.<name>` : `did you mean \`${guess}\`?`;
  return `there is no field \`${name}\` that an event could choose; ${instead}`;
}

/** Of what the file wrote character by character an event chooses nothing but which. */
function dangerOf({ traits, mayTake }: PatternFacts): string | undefined {
  if (traits.isFixed) return undefined;
  const taken = SHELL_CHARACTERS.filter((character) => mayTake(character));
  if (taken.length > 0) {
    const shown = taken.map((character) => JSON.stringify(character).slice(1, -1)).join(' ');
    return `lets characters through that a shell reads: ${shown}. The provider pastes the value into the script as it is`;
  }
  return traits.mayAddOption
    ? 'lets a word of the value begin with `-`, so that an event can add an option, like `web --force`'
    : undefined;
}
