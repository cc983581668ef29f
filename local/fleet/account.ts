/** Which account a command runs under on this machine: the wanted one where that is possible, and why not where not. */
import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Account {
  username: string;
  /** Present only when the process has to change to it. */
  ids?: { uid: number; gid: number };
}

export type AccountLookup = { found: true; account: Account } | { found: false; errorInfo: string };

/**
 * `root`, the vendors' default, means the current user when we are not root: on a laptop a rehearsal must work
 * without sudo. Any other name is that user or a failure, in the agent's words where the agent has them.
 */
export async function findAccount(username: string): Promise<AccountLookup> {
  const current = userInfo();
  if (username === current.username) return { found: true, account: { username } };
  if (username === 'root') return { found: true, account: { username: current.username } };
  const uid = await idOf('-u', username);
  const gid = await idOf('-g', username);
  if (uid === undefined || gid === undefined) {
    return { found: false, errorInfo: `InvalidUser: user \`${username}\` not exists` };
  }
  if (current.uid !== 0) {
    const reason = `the local fleet runs as \`${current.username}\` and cannot become \`${username}\``;
    return { found: false, errorInfo: `TaskSpawnFailed: ${reason}` };
  }
  return { found: true, account: { username, ids: { uid, gid } } };
}

async function idOf(option: '-u' | '-g', username: string): Promise<number | undefined> {
  // A purely numeric name would be taken for an id by `id`.
  if (/^\d+$/.test(username)) return undefined;
  try {
    return Number((await run('id', [option, '--', username])).stdout.trim());
  } catch {
    return undefined;
  }
}
