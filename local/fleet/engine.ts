/**
 * The fleet of local instances on which commands really run. Both local cloud servers (`local/tencent/`,
 * `local/alibaba/`) stand in front of one engine: it knows instances and processes, they know their vendor's API.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { chown, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetReflexError } from '../../lib/errors.ts';
import { type Account, findAccount } from './account.ts';
import { type Buckets, createBuckets } from './buckets.ts';
import type { Fleet, FleetCommand, FleetInstance } from './fleet-file.ts';
import { startGuard } from './guard.ts';
import { pipePool } from './pipes.ts';
import { ENGINE_MARK, isGroupAlive, killGroup, killMarked } from './survivors.ts';
import { directoryProblem, type Preparation, runTask, type TaskHandle, type TaskRequest } from './task.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/** Never in a shell of this machine: what is written for cmd or PowerShell means something else there. */
const NO_WINDOWS = 'TaskSpawnFailed: Windows instances of the local fleet run nothing';

/** Only the owner may read the files of an instance. */
const OWNER_ONLY = 0o700;

export interface FleetEngine {
  /** By id. */
  readonly instances: ReadonlyMap<string, FleetInstance>;
  readonly commands: readonly FleetCommand[];
  /** Stops or starts an instance, or its agent, for rehearsals. @throws FleetReflexError `fleet.unknown-instance` */
  change(instanceId: string, to: Partial<Pick<FleetInstance, 'state' | 'agent'>>): void;
  /** From now on these are the instances, in this order. What runs on one that is gone ends by itself. */
  setInstances(next: readonly FleetInstance[]): void;
  /** Starts a command now. Whether the instance may take it is for the caller to ask (`instances`). */
  startTask(request: TaskRequest): TaskHandle;
  /** Why a command could not start, in the agent's words; empty where it could. Runs nothing. */
  check(request: Pick<TaskRequest, 'instanceId' | 'username' | 'workingDirectory'>): Promise<string>;
  /** The directory of an instance: its HOME and default working directory. Empty at the start. */
  directoryOf(instanceId: string): string;
  /** Where the clouds store whole outputs. Empty at the start, and gone at the end. */
  readonly buckets: Buckets;
  /** Tasks whose end is not settled yet. */
  readonly runningCount: number;
  /** Kills every process it started, background children too, and removes its directories. May be called twice. */
  stop(): Promise<void>;
}

/** @param options.now the clock of the instances; default this machine's */
export function createFleetEngine(fleet: Fleet, options: { now?: () => Date } = {}): FleetEngine {
  const now = options.now ?? (() => new Date());
  const id = randomUUID();
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'fleet-reflex-')));
  const scripts = join(root, 'scripts');
  const homes = join(root, 'homes');
  mkdirSync(scripts);
  mkdirSync(homes);
  // Commands may run as other users: each may pass here, and enter what is its own.
  for (const folder of [root, scripts, homes]) chmodSync(folder, 0o711);
  const pipes = pipePool(join(root, 'pipes'));
  const buckets = createBuckets(join(root, 'buckets'));
  const instances = new Map(fleet.instances.map((instance) => [instance.id, { ...instance }]));
  for (const instanceId of instances.keys()) mkdirSync(join(root, instanceId), { mode: OWNER_ONLY });
  const running = new Set<TaskHandle>();
  const groups = new Set<number>();
  let taskCount = 0;
  let stopping: Promise<void> | undefined;

  const guard = startGuard(id, root);

  const known = (instanceId: string): FleetInstance => {
    const instance = instances.get(instanceId);
    if (instance !== undefined) return instance;
    throw new FleetReflexError('fleet.unknown-instance', `The local fleet has no instance ${instanceId}`);
  };

  const homeOf = async (instanceId: string, account: Account): Promise<string> => {
    const own = join(root, instanceId);
    if (account.ids === undefined) return own;
    const home = join(homes, `${instanceId}-${account.username}`);
    await mkdir(home, { recursive: true, mode: OWNER_ONLY });
    await chown(home, account.ids.uid, account.ids.gid);
    return home;
  };

  type Placed = { account: Account; home: string; workingDirectory: string } | { errorInfo: string };
  const place = async (request: Parameters<FleetEngine['check']>[0]): Promise<Placed> => {
    if (known(request.instanceId).os === 'windows') return { errorInfo: NO_WINDOWS };
    const lookup = await findAccount(request.username ?? 'root');
    if (!lookup.found) return { errorInfo: lookup.errorInfo };
    const { account } = lookup;
    const home = await homeOf(request.instanceId, account);
    // `/root` is the vendors' default directory; on this machine it is a person's, or not there at all.
    const wanted = request.workingDirectory?.replace(/(?<=.)\/+$/, '') ?? '/root';
    return { account, home, workingDirectory: wanted === '/root' || wanted === '' ? home : wanted };
  };

  const prepare = async (request: TaskRequest): Promise<Preparation> => {
    const placed = await place(request);
    if ('errorInfo' in placed) return { kind: 'refused', errorInfo: placed.errorInfo };
    const { account, home, workingDirectory } = placed;
    taskCount += 1;
    return {
      kind: 'ready',
      launch: {
        scriptPath: join(scripts, `${taskCount}.sh`),
        workingDirectory,
        env: {
          PATH,
          HOME: home,
          USER: account.username,
          LOGNAME: account.username,
          SHELL: '/bin/bash',
          TERM: 'xterm-color',
          FLEET_INSTANCE_ID: request.instanceId,
          ...request.env,
          [ENGINE_MARK]: id,
        },
        ...(account.ids && { ids: account.ids }),
        pipe: await pipes.take(),
      },
    };
  };

  const stop = async (): Promise<void> => {
    const handles = [...running];
    for (const handle of handles) handle.kill();
    for (const group of groups) killGroup(group);
    // Handles that were still preparing end without a process; then nothing can start any more.
    await killMarked(id);
    await Promise.all(handles.map((handle) => handle.finished));
    await killMarked(id);
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
    await guard.release();
  };

  return {
    instances,
    commands: fleet.commands,
    change(instanceId, to) {
      Object.assign(known(instanceId), to);
    },
    setInstances(next) {
      instances.clear();
      for (const instance of next) {
        mkdirSync(join(root, instance.id), { mode: OWNER_ONLY, recursive: true });
        instances.set(instance.id, { ...instance });
      }
    },
    startTask(request) {
      known(request.instanceId);
      if (stopping !== undefined) {
        throw new FleetReflexError(
          'fleet.stopped',
          'The local fleet has been stopped and runs nothing any more',
        );
      }
      const handle = runTask(request, {
        now,
        prepare: () => prepare(request),
        onGroup(group, isRunning) {
          if (isRunning) guard.started(group);
          if (isRunning || isGroupAlive(group)) {
            groups.add(group);
          } else {
            groups.delete(group);
            guard.ended(group);
          }
        },
      });
      running.add(handle);
      void handle.finished.then(() => running.delete(handle));
      return handle;
    },
    async check(request) {
      const placed = await place(request);
      return 'errorInfo' in placed
        ? placed.errorInfo
        : ((await directoryProblem(placed.workingDirectory)) ?? '');
    },
    directoryOf: (instanceId) => join(root, known(instanceId).id),
    buckets,
    get runningCount() {
      return running.size;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
