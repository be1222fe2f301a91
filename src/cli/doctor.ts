/** `loong doctor`: is everything ready to send and to serve, and does QQ agree? */
import type { Config } from '../config/config.js';
import { readConfig } from '../config/read-config.js';
import { ControlClient } from '../control/control-client.js';
import { examine } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { renderReport, reportOf } from '../doctor/report.js';
import { ConfigError } from '../model/errors.js';
import { openLog, Secrets } from '../telemetry/log.js';
import { EXIT, printJson } from './exit.js';
import type { GlobalOptions } from './global-options.js';

export interface DoctorOptions extends GlobalOptions {
  readonly offline?: true;
}

export async function runDoctor(options: DoctorOptions): Promise<void> {
  const report = reportOf(await findings(options));
  if (options.json) printJson(report);
  else console.log(renderReport(report, process.stdout.isTTY === true && process.env.NO_COLOR === undefined));
  process.exitCode = report.ok ? EXIT.done : EXIT.failed;
}

async function findings(options: DoctorOptions): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = await readConfig({ env: process.env, secrets: 'optional', path: options.config });
  } catch (error) {
    if (error instanceof ConfigError) return configFindings(error);
    throw error;
  }
  const { probeAccount } = await import('../daemon.js');
  const secrets = new Secrets();
  const log = await openLog({ level: options.logLevel ?? 'error', format: config.log.format }, secrets);
  const client = await ControlClient.find(config.gateway.stateDir);
  try {
    return await examine({
      config,
      daemon: await client?.status(),
      probe: options.offline ? undefined : (account) => probeAccount(account, { log, secrets, runtimeDir: undefined }),
    });
  } finally {
    await client?.close();
  }
}

/** With a broken config nothing else can be asked, but each of its problems is one finding. */
function configFindings({ problems }: ConfigError): readonly Finding[] {
  return problems.map(({ path, message, remedy }, i) => ({
    name: path === '' ? `config ${i + 1}` : `config ${path}`,
    level: 'fail',
    detail: message,
    ...(remedy === undefined ? {} : { remedy }),
  }));
}
