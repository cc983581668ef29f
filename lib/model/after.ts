/** Times that are counted from others. */

/** The time so many milliseconds after another. */
export function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
