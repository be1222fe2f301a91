// Loaded before `loong`: at SIGUSR2 the process does nothing at all any more, while the file named by STILL exists.
import { existsSync } from 'node:fs';

const never = new Int32Array(new SharedArrayBuffer(4));
process.on('SIGUSR2', () => {
  process.stderr.write('standing still\n');
  while (existsSync(process.env.STILL)) Atomics.wait(never, 0, 0, 20);
  process.stderr.write('going on\n');
});
