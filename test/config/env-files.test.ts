/** Variables from files, and which of several counts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withEnvFiles } from '../../src/config/env-files.js';
import { UsageError } from '../../src/model/errors.js';
import { tempDir } from '../support/temp-dir.js';

test('the environment, then .env.qq, then .env; what is blank is not set', async () => {
  const folder = tempDir();
  writeFileSync(join(folder, '.env.qq'), '\ufeffA=qq\nB=qq\r\nexport C="q q" # said\n# D=qq\nE=\n');
  writeFileSync(join(folder, '.env'), "A=env\nD='env'\nE=env\nF=env\n");
  const { env, files } = await withEnvFiles(folder, undefined, { A: 'here', F: ' ' });
  expect(env).toEqual({ A: 'here', B: 'qq', C: 'q q', D: 'env', E: 'env', F: 'env' });
  expect(files).toEqual([join(folder, '.env.qq'), join(folder, '.env')]);
  writeFileSync(join(folder, 'mine'), 'A=mine\n');
  expect((await withEnvFiles(folder, 'mine', {})).env).toEqual({ A: 'mine', D: 'env', E: 'env', F: 'env' });
  expect(await withEnvFiles(tempDir(), undefined, { A: 'here' })).toEqual({ env: { A: 'here' }, files: [] });
});

test('a named file has to be there; one that is too large or no file is told', async () => {
  const folder = tempDir();
  await expect(withEnvFiles(folder, 'nowhere', {})).rejects.toThrow(UsageError);
  await expect(withEnvFiles(folder, 'nowhere', {})).rejects.toThrow(/nowhere does not exist/);
  mkdirSync(join(folder, '.env'));
  await expect(withEnvFiles(folder, undefined, {})).rejects.toThrow(/is a directory/);
  writeFileSync(join(folder, 'large'), 'A'.repeat(70_000));
  await expect(withEnvFiles(folder, 'large', {})).rejects.toThrow(/larger than 64 KiB/);
});
