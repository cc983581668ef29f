/** Why a rule that matched may not run: thrown inside the rendering only, and caught there. */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { OutOfSteps, type Steps } from './steps.ts';
import { renderText, type Template } from './template.ts';

export class Rejection extends Error {
  readonly code: string;
  /** The known part of the target, for the record. */
  readonly target: { region?: string; command?: string };

  constructor(code: string, message: string, target: { region?: string; command?: string } = {}) {
    super(message);
    this.code = code;
    this.target = target;
  }
}

/** @throws Rejection `template.failed` */
export function renderField(field: string, template: Template, event: TriggerEvent, steps: Steps): string {
  const rendering = renderText(template, event, steps);
  if (rendering.ok) return rendering.value;
  throw new Rejection('template.failed', `\`${field}\`: ${rendering.because}`);
}

/** Where the steps are used up, that is the reason, whatever failed for it. */
export function rejectionOf(thrown: unknown, steps: Steps): Rejection {
  const isRejection = thrown instanceof Rejection;
  if (!isRejection && !(thrown instanceof OutOfSteps)) throw thrown;
  const whySpent = steps.whySpent();
  const target = isRejection ? thrown.target : {};
  return whySpent === undefined && isRejection
    ? thrown
    : new Rejection('limit.steps', whySpent ?? '', target);
}
