/** The unit that `loong service print` writes: its daemon keeps its state where a shell may not look for it. */
import { spawnSync } from 'node:child_process';

export const UNIT = 'loong';
/** systemd answers from memory. */
const LIMIT_MS = 2000;

export const ELSEWHERE_REMEDY =
  'let both find the same state: put state_dir = "/var/lib/loong" under [gateway] of /etc/loong/config.toml, restart the unit, and run commands as its user: sudo -u loong loong --config /etc/loong/config.toml …';

/** Whether systemd runs the unit; false where there is no systemd. */
export function unitRuns(): boolean {
  const { status } = spawnSync('systemctl', ['is-active', '--quiet', UNIT], { stdio: 'ignore', timeout: LIMIT_MS });
  return status === 0;
}
