/** Which runs of the list are asked for, as conditions on what the list has of each. */
import type { Where } from './by-day.ts';

export interface RunFilter {
  rule?: string | undefined;
  status?: string | undefined;
  /** The id or the name of who caused it, resumed it, or cancelled it. */
  by?: string | undefined;
}

/** Earlier versions list the whole run. */
const LISTED = ['summary', 'run'];

export function runsWhere({ rule, status, by }: RunFilter): Where[] {
  return [
    ...(rule === undefined ? [] : [{ anyOf: [['rule']], value: rule }]),
    ...(status === undefined ? [] : [{ anyOf: LISTED.map((of) => [of, 'status']), value: status }]),
    ...(by === undefined
      ? []
      : [
          {
            anyOf: [
              ...['actor', 'startedBy'].flatMap((who) =>
                ['id', 'name'].map((field) => ['summary', 'trigger', who, field]),
              ),
              ...['id', 'name'].map((field) => ['summary', 'resumes', 'by', field]),
              ['summary', 'cancelledBy'],
            ],
            value: by,
          },
        ]),
  ];
}
