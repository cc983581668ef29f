/**
 * A request as `rules test --json` shows it. Programs read this, so that it stays what it was in version 1: the fields
 * of the target stand beside the others.
 */
import type { RunRequest } from '../../../lib/model/run-request.ts';
import { shownRequest } from '../../../lib/model/secret-parameters.ts';

/** Without the values of secret parameters. */
export function requestView(request: RunRequest) {
  const shown = shownRequest(request);
  switch (shown.action) {
    case 'judge':
    case 'cancel':
      return shown;
    case 'run':
    case 'reject': {
      const { target, ...rest } = shown;
      return { ...rest, version: 1, ...target };
    }
    case 'schedule': {
      const { target, execution, ...rest } = shown;
      const { timeoutSeconds, workingDirectory, options, ...where } = target;
      const how = execution && { ...execution, timeoutSeconds, workingDirectory, options };
      return { ...rest, version: 1, ...where, execution: how };
    }
  }
}
