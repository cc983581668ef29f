/**
 * A small process beside the engine that outlives it. Whatever ends the engine's own process, `kill -9` included, the
 * guard sees its pipe close, kills what the engine has left running, removes its directories, and ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { ENGINE_MARK } from './survivors.ts';

/** $1 is the engine's mark in the environment of its processes, $2 its directory. */
const SCRIPT = `
groups=' '
while read -r change group; do
  case $change in
    started) groups="$groups$group " ;;
    ended) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
round=0
while [ -e /proc/self/environ ] && [ $round -lt 20 ]; do
  files=$(grep -ls "$1" /proc/[0-9]*/environ)
  [ -n "$files" ] || break
  for file in $files; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}"; done
  round=$((round + 1))
done
rm -rf "$2"
`;

export interface Guard {
  started(groupId: number): void;
  ended(groupId: number): void;
  /** Lets it finish its work now, and waits for it. */
  release(): Promise<void>;
}

export function startGuard(engineId: string, directory: string): Guard {
  const child = spawn('sh', ['-c', SCRIPT, 'fleet-guard', `${ENGINE_MARK}=${engineId}`, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // out of reach of the terminal's Ctrl-C
    cwd: '/',
  });
  const ended = once(child, 'exit');
  // Nor may it keep the process that it watches alive.
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  // Its early end, say by a person's hand, must not be ours.
  child.stdin.on('error', () => undefined);
  const tell = (change: string, groupId: number): void => {
    if (child.stdin.writable) child.stdin.write(`${change} ${groupId}\n`);
  };
  return {
    started: (groupId) => tell('started', groupId),
    ended: (groupId) => tell('ended', groupId),
    async release() {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}
