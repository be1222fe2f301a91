/** `node bench/profile.mjs` (after a build): the daemon under a CPU profile during a flood; prints where its time went. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Arena } from './arena.mjs';
import { endChildrenWithUs, makeFolder } from './children.mjs';
import { Contestant } from './contestants.mjs';

const MESSAGES = 4900;
const SHOWN = 40;

endChildrenWithUs();
const folder = makeFolder();
const arena = await Arena.open();
const args = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
const contestant = await Contestant.start('loong', arena.place, 0, args);
await Promise.race([arena.ready(), contestant.fault]);
await Promise.race([arena.flood(MESSAGES), contestant.fault]);
await contestant.end();
await arena.close();

/** @type {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[], samples: number[], timeDeltas: number[] }} */
const profile = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'utf8'));
const names = new Map(
  profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
    id,
    `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`,
  ]),
);
/** @type {Map<string, number>} */
const selfMicros = new Map();
profile.samples.forEach((id, i) => {
  const name = names.get(id) ?? '?';
  selfMicros.set(name, (selfMicros.get(name) ?? 0) + (profile.timeDeltas[i] ?? 0));
});
for (const [name, micros] of [...selfMicros].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)) {
  console.log(`${(micros / MESSAGES).toFixed(2).padStart(8)} µs per message  ${name}`);
}
