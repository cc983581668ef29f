/**
 * Whose commit an event is about. `event.data.ref` and `event.data.sha` mean the repository's own commits: a rule compares
 * them with `main` and runs the commit. So a fork's branch is named with its owner, a commit of unknown origin is left out,
 * and `event.data.raw` has the sender's payload.
 */
export type Provenance =
  | { kind: 'own' }
  /** @property owner the sender's name for the owner: an account, a project's number */
  | { kind: 'fork'; owner: string }
  /** The sender does not say, or the origin was deleted. */
  | { kind: 'unknown' };

export const OWN: Provenance = { kind: 'own' };
export const UNKNOWN: Provenance = { kind: 'unknown' };

/** Where code hosts keep the commits of merge and pull requests, forks' too; deployments name them without `refs/`. */
const OF_A_REQUEST = /^(?:refs\/)?(?:pull|pull-requests|merge-requests)\/\d+\/|^refs\/for\//;

/** `owner:main` of a fork cannot be a branch of ours: git has no `:` in a name. */
export function commitOf(
  provenance: Provenance,
  ref: string | undefined,
  sha: string | undefined,
): { ref?: string | undefined; sha?: string | undefined } {
  switch (provenance.kind) {
    case 'own':
      return ref !== undefined && OF_A_REQUEST.test(ref) ? { ref } : { ref, sha };
    case 'fork':
      return ref === undefined ? {} : { ref: `${provenance.owner}:${ref}` };
    case 'unknown':
      return {};
  }
}

/** By the names of the repository that a branch is in and of the one that the event is of: `owner/repository`. */
export function provenanceOf(head: string | null | undefined, base: string | null | undefined): Provenance {
  if (!head || !base) return UNKNOWN;
  return head === base ? OWN : { kind: 'fork', owner: head.split('/', 1)[0] ?? head };
}
