/** Processes that lead a group of their own, until nothing of the group lives: none survives this process, or its successor ends it. */
import { type GroupRecords, signalGroup } from './group-records.js';

/** Given to a group between the polite end and the certain one. */
const KILL_AFTER_MS = 2000;
const LOOK_EVERY_MS = 50;

export class ProcessGroups {
  readonly #living = new Set<number>();
  /** Groups that were asked to end. */
  readonly #ending = new Set<number>();
  readonly #records: GroupRecords | undefined;
  readonly #onExit = () => {
    for (const pid of this.#living) {
      signalGroup(pid, 'SIGKILL');
      this.#records?.remove(pid);
    }
  };

  /** `records` tell the next process what this one could not end, should it be killed. */
  constructor(records?: GroupRecords) {
    this.#records = records;
  }

  /** `pid` leads a group. */
  add(pid: number): void {
    if (this.#living.size === 0) {
      process.setMaxListeners(process.getMaxListeners() + 1);
      process.on('exit', this.#onExit);
    }
    this.#living.add(pid);
    this.#records?.add(pid);
  }

  /** SIGTERM for the whole group, then SIGKILL for what is left of it; at once if this process ends before. */
  end(pid: number): void {
    if (this.#ending.has(pid) || !this.#living.has(pid)) return;
    this.#ending.add(pid);
    if (!signalGroup(pid, 'SIGTERM')) return this.#gone(pid);
    const killAt = performance.now() + KILL_AFTER_MS;
    // Looks again and again: once nothing is left of the group its number may come to stand for another.
    const timer = setInterval(() => {
      const late = performance.now() >= killAt;
      if (signalGroup(pid, late ? 'SIGKILL' : 0) && !late) return;
      clearInterval(timer);
      this.#gone(pid);
    }, LOOK_EVERY_MS).unref();
  }

  #gone(pid: number): void {
    this.#ending.delete(pid);
    this.#living.delete(pid);
    this.#records?.remove(pid);
    if (this.#living.size > 0) return;
    process.off('exit', this.#onExit);
    process.setMaxListeners(process.getMaxListeners() - 1);
  }
}
