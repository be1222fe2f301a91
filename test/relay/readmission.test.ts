import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dismissUnadmitted } from '../../src/relay/readmission.js';
import { openStore } from '../../src/store/sqlite/sqlite-store.js';
import { ACCOUNT, arrival, inbound, target } from '../support/messages.js';
import { policyWith } from '../support/policies.js';
import { tempDir } from '../support/temp-dir.js';

test('of the messages that wait from before, those are given up whose senders or groups the config allows no more', async () => {
  const store = openStore(join(tempDir(), 'loong.db'), 'process');
  onTestFinished(() => store.close());
  for (const peer of ['alice', 'bob', 'alice']) await store.inbox.admit(arrival(`${peer} ${Math.random()}`, peer));
  for (const group of ['G', 'H'])
    await store.inbox.admit({ message: inbound(`in ${group}`, 'carol', { conversation: target(group, 'group') }) });
  // More than are looked at in one go.
  await Promise.all(
    Array.from({ length: 600 }, (_, i) => store.inbox.admit(arrival(`m${i}`, i === 599 ? 'bob' : 'alice'))),
  );
  expect(await dismissUnadmitted(store.inbox, ACCOUNT, policyWith(['alice', 'group:G']))).toBe(3);
  const left = store.inbox.waiting(ACCOUNT, 0, 1000).map(({ message }) => message.conversation.peer);
  expect([left.length, new Set(left)]).toEqual([602, new Set(['alice', 'G'])]);
  expect(store.queue.find('in-2', Date.now())).toMatchObject({ status: 'failed', error: { code: 'access.revoked' } });
  expect(store.outbox.nextDue(ACCOUNT)).toBeUndefined();
});
