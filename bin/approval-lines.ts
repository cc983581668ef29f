/** An approval as lines for a terminal. */
import { type ApprovalView, planLines } from '../lib/model/approval-view.ts';
import { printable } from '../lib/model/printable.ts';

/** Who may, what will run where, and what was said. */
export function approvalLines({ verdict, by, at, why, until, plan }: ApprovalView): string[] {
  const said =
    verdict === undefined
      ? [`wanted until ${until ?? 'it is asked'}`]
      : [
          verdict,
          ...(by === undefined ? [] : [`by ${by}`]),
          `at ${at}`,
          ...(why === undefined ? [] : [`(${why})`]),
        ];
  return [
    `  approval   ${printable(said.join(' '))}`,
    ...(plan === undefined
      ? []
      : [
          ...planLines(plan).map((line) => `             ${printable(line.replaceAll('`', ''))}`),
          ...scriptLines(plan.script).map((line) => `             ${line}`),
          ...(plan.scriptLength === undefined
            ? []
            : [
                `             … it has ${plan.scriptLength} characters; \`fleet-reflex plan\` shows all of it`,
              ]),
        ]),
  ];
}

/** A script, so that a terminal obeys nothing in it. */
export function scriptLines(script: string): string[] {
  return script
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `| ${printable(line)}`);
}
