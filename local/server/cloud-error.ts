/** The one error of a local cloud: the vendor's code, its HTTP status, and a message that says what was expected. */
export class CloudError extends Error {
  /** The vendor's, `InvalidParameterValue.InvalidInstanceId`. */
  readonly code: string;
  readonly httpStatus: number;

  constructor(code: string, message: string, httpStatus: number) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.httpStatus = httpStatus;
  }
}
