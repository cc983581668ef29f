/** The known word that somebody most likely meant. */

/** @returns the closest of `known`, or undefined when none is close */
export function closest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** `there is no source \`alertmanger\`; did you mean \`alertmanager\`?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const guess = closest(name, known);
  const instead =
    guess === undefined ? `known: ${known.toSorted().join(', ') || 'none'}` : `did you mean \`${guess}\`?`;
  return `there is no ${what} \`${name}\`; ${instead}`;
}

/** Letters to add, drop or change (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
