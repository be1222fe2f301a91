/** One process owns a state directory; its death frees it at once. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { acquireOwner, lastOwner, OwnedElsewhere } from '../../src/store/owner.js';
import { ChildScript } from '../support/child-script.js';
import { tempDir } from '../support/temp-dir.js';
import { waitUntil } from '../support/wait-until.js';

const HOLD = `const { acquireOwner } = await import(DIST + 'store/owner.js');
const kind = process.argv[3];
acquireOwner(process.argv[2], { pid: process.pid, kind, socket: kind === 'daemon' ? '/run/x.sock' : '' });
console.log('owned');
setInterval(() => {}, 1000);`;

const me = { pid: process.pid, kind: 'daemon', socket: '/run/me.sock' } as const;

describe('while another process owns the directory', () => {
  test.each(['daemon', 'send'] as const)('a second one is told at once that it is a %s, and its pid', async (kind) => {
    const dir = tempDir();
    const other = new ChildScript(HOLD, [dir, kind]);
    await other.says('owned');
    const begun = performance.now();
    const error = (() => {
      try {
        acquireOwner(dir, me);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(error).toBeInstanceOf(OwnedElsewhere);
    expect(error).toMatchObject({
      code: 'owner.taken',
      owner: { pid: other.child.pid, kind, socket: kind === 'daemon' ? '/run/x.sock' : '' },
      message: `${dir} belongs to another loong process (pid ${other.child.pid})`,
    });
    expect(lastOwner(dir)).toMatchObject({ pid: other.child.pid, kind });
  });

  test('after kill -9 of the owner the next one has it at once', async () => {
    const dir = tempDir();
    const other = new ChildScript(HOLD, [dir, 'daemon']);
    await other.says('owned');
    await other.kill();
    const begun = performance.now();
    acquireOwner(dir, me).release();
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(lastOwner(dir)).toEqual(me);
  });
});

test('released, the directory is free for the next, in this process too', () => {
  const dir = tempDir();
  const lock = acquireOwner(dir, me);
  expect(() => acquireOwner(dir, { ...me, pid: 1 })).toThrow(OwnedElsewhere);
  lock.release();
  acquireOwner(dir, { ...me, kind: 'send', socket: '' }).release();
});

test('of 20 processes that race for it exactly one is the owner at any time, and each gets its turn', async () => {
  const dir = tempDir();
  const diary = join(dir, 'diary');
  writeFileSync(diary, '');
  const children = Array.from(
    { length: 20 },
    () =>
      new ChildScript(
        `import { appendFileSync } from 'node:fs';
         const { acquireOwner } = await import(DIST + 'store/owner.js');
         const me = { pid: process.pid, kind: 'send', socket: '' };
         for (let lock; lock === undefined; ) {
           try { lock = acquireOwner(process.argv[2], me); } catch (e) { if (e.code !== 'owner.taken') throw e; }
           if (lock === undefined) { await new Promise((r) => setTimeout(r, 5)); continue; }
           appendFileSync(process.argv[3], 'in ' + process.pid + '\\n');
           await new Promise((r) => setTimeout(r, 5));
           appendFileSync(process.argv[3], 'out ' + process.pid + '\\n');
           lock.release();
         }`,
        [dir, diary],
      ),
  );
  await Promise.all(children.map((child) => child.ended));
  appendFileSync(diary, '');
  const lines = readFileSync(diary, 'utf8').trim().split('\n');
  expect(children.map((child) => child.stderr).join('')).toBe('');
  expect(lines).toHaveLength(40);
  for (let i = 0; i < lines.length; i += 2) {
    const pid = lines[i]?.replace('in ', '');
    expect(lines.slice(i, i + 2)).toEqual([`in ${pid}`, `out ${pid}`]);
  }
});

describe('lastOwner', () => {
  test('is undefined where nobody ever was, and never throws', () => {
    const dir = tempDir();
    expect(lastOwner(dir)).toBeUndefined();
    expect(lastOwner(join(dir, 'nowhere'))).toBeUndefined();
    writeFileSync(join(dir, 'owner.db'), '');
    expect(lastOwner(dir)).toBeUndefined();
    writeFileSync(join(dir, 'owner.db'), 'no database at all, but long enough to look like one'.repeat(50));
    expect(lastOwner(dir)).toBeUndefined();
    const odd = tempDir();
    mkdirSync(join(odd, 'owner.db'));
    expect(lastOwner(odd)).toBeUndefined();
  });

  test('reads the owner while its process lives, again and again', async () => {
    const dir = tempDir();
    const other = new ChildScript(HOLD, [dir, 'daemon']);
    await waitUntil('the owner’s row', () => lastOwner(dir)?.pid === other.child.pid);
    for (let i = 0; i < 50; i++) expect(lastOwner(dir)?.pid).toBe(other.child.pid);
  });
});

test('an owner.db that is no database says so, with the remedy', () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'owner.db'), 'no database at all, but long enough to look like one'.repeat(50));
  expect(() => acquireOwner(dir, me)).toThrow(
    expect.objectContaining({ code: 'owner.unusable', remedy: expect.stringContaining('deleted') }),
  );
});
