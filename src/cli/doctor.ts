/** `loong doctor`: is everything ready to send and to serve, and does QQ agree? */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import type { ControlClient } from '../control/control-client.js';
import { type DoctorParts, examine } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { renderReport, reportOf } from '../doctor/report.js';
import { ConfigError, describeError, LoongError } from '../model/errors.js';
import { NO_PAIRINGS, type PairingList } from '../store/pairing-reader.js';
import { openLog, Secrets } from '../telemetry/log.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';
import { pairingsIn } from './pairings-in.js';
import { findDaemon } from './running-daemon.js';
import { ELSEWHERE_REMEDY, UNIT, unitRuns } from './systemd-unit.js';

export interface DoctorOptions extends GlobalOptions {
  readonly offline?: true;
}

/** One question to a OneBot program waits so long. */
const CALL_LIMIT_MS = 15_000;

export async function runDoctor(options: DoctorOptions): Promise<void> {
  const report = reportOf(await examined(options));
  if (options.json) printJson(report);
  else console.log(renderReport(report, process.stdout.isTTY === true && process.env.NO_COLOR === undefined));
  process.exitCode = report.ok ? EXIT.done : EXIT.failed;
}

async function examined(options: DoctorOptions): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  } catch (error) {
    if (error instanceof ConfigError) return configFindings(error);
    throw error;
  }
  const { probeAccount } = await import('../daemon/probe-account.js');
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? 'error', format: config.log.format }, secrets);
  const around = { log, secrets, runtimeDir: process.env.XDG_RUNTIME_DIR, proxy: config.gateway.proxy };
  const { client, daemon } = await askDaemon(config);
  try {
    const findings = await examine({
      config,
      daemon,
      pairings: pairings(config),
      probe: options.offline ? undefined : (account) => probeAccount(account, around),
      callOnebot:
        options.offline || client === undefined
          ? undefined
          : (account, action) => client.onebot(account.id, action, {}, CALL_LIMIT_MS),
    });
    return findings.map((finding) => ({ ...finding, detail: secrets.strikeOut(finding.detail) }));
  } finally {
    await client?.close();
  }
}

/** A daemon that does not answer is a finding, and so is one that runs on another state directory. */
async function askDaemon(
  config: Config,
): Promise<{ readonly client?: ControlClient | undefined; readonly daemon: DoctorParts['daemon'] }> {
  try {
    const client = await findDaemon(config.gateway.stateDir);
    const daemon = await client?.status();
    if (client !== undefined || !unitRuns()) return { client, daemon };
    const elsewhere = `no daemon runs on this state directory, but the systemd unit \`${UNIT}\` runs`;
    return { daemon: { elsewhere, remedy: ELSEWHERE_REMEDY } };
  } catch (error) {
    const remedy = error instanceof LoongError ? error.remedy : undefined;
    return { daemon: { fault: describeError(error), remedy: remedy ?? 'look at its log, and start it again' } };
  }
}

/** A database that cannot be read is another check's finding. */
function pairings({ gateway }: Config): PairingList {
  try {
    return pairingsIn(gateway.stateDir);
  } catch {
    return NO_PAIRINGS;
  }
}

/** With a broken config nothing else can be asked, but each of its problems is one finding. */
function configFindings({ problems }: ConfigError): readonly Finding[] {
  return problems.map(({ path, message, remedy }, i) => ({
    name: path === '' ? `config ${i + 1}` : `config ${path}`,
    level: 'fail',
    detail: message,
    remedy: remedy ?? `correct it; \`config.example.toml\` shows every key`,
  }));
}
