/** Actions of OneBot that reach people pass the same gate as messages. */
import { describe, expect, test } from 'vitest';
import { assertActionAllowed } from '../../src/access/action-gate.js';
import { AccessDenied, UsageError } from '../../src/model/errors.js';
import { normaliseAccountId } from '../../src/model/target.js';
import { allowing } from '../support/policies.js';

const ACCOUNT = normaliseAccountId('home');
const ALLOWED = allowing(['20002', 'group:30003']);
const call =
  (action: string, params: object = {}) =>
  () =>
    assertActionAllowed(ACCOUNT, action, params as { readonly [key: string]: unknown }, ALLOWED);

test.each([
  'send_msg',
  'send_private_msg',
  'send_group_msg',
  'send_msg_async',
  'send_group_msg_rate_limited',
  'send_forward_msg',
  'send_group_forward_msg',
  'send_private_forward_msg',
  'forward_friend_single_msg',
  'forward_group_single_msg',
  '.handle_quick_operation',
  '.handle_quick_operation_async',
  'send_msg_async_rate_limited',
  '.send_msg',
  'send_guild_channel_msg',
  'send_packet',
])('%s would pass the outbox by, so it is refused', (action) => {
  expect(call(action, { user_id: 20002, group_id: 30003 })).toThrow(UsageError);
});

describe('a file goes only to whom the account may write to', () => {
  test.each([
    ['upload_private_file', { user_id: 20002 }],
    ['upload_private_file', { user_id: '20002' }],
    ['upload_group_file', { group_id: 30003 }],
  ])('%s with %j', (action, params) => {
    expect(call(action, params)).not.toThrow();
  });

  test.each([
    ['upload_private_file', { user_id: 20009 }],
    ['upload_private_file', { user_id: 30003 }],
    ['upload_group_file', { group_id: 30009 }],
    ['upload_private_file_async', { user_id: 20009 }],
    ['_send_group_notice', { group_id: 30009 }],
    ['group_poke', { group_id: 30009, user_id: 20002 }],
    ['friend_poke', { user_id: 20009 }],
    ['send_like', { user_id: 20009 }],
  ])('not %s with %j', (action, params) => {
    expect(call(action, params)).toThrow(AccessDenied);
  });

  test.each([
    ['upload_private_file', {}],
    ['upload_group_file', { group_id: { $gt: 0 } }],
  ])('%s with %j names nobody', (action, params) => {
    expect(call(action, params)).toThrow(UsageError);
  });
});

test.each(['get_friend_list', 'set_group_ban', 'delete_msg', 'set_friend_add_request', '_get_group_notice'])(
  '%s sends no message',
  (action) => {
    expect(call(action)).not.toThrow();
  },
);
