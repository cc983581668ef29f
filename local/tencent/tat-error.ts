/** The errors of this API: a documented code and a message that says what was expected. Answered with HTTP 200. */
import { CloudError } from '../server/cloud-error.ts';

export class TatError extends CloudError {
  constructor(code: string, message: string) {
    super(code, message, 200);
  }
}
