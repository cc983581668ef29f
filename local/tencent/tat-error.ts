/** The one error of this API: a documented code and a message that says what was expected. Answered with HTTP 200. */

export class TatError extends Error {
  /** The vendor's code, `InvalidParameterValue.InvalidInstanceId`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'TatError';
    this.code = code;
  }
}
