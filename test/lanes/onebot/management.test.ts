/** The eleven functions of the seed, each on the wire as it has to be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ActionCall, MANAGEMENT } from '../../../src/protocol/onebot/management.js';
import { tempDir } from '../../support/temp-dir.js';
import { OnebotLaneUnderTest } from './support/onebot-lane-under-test.js';

/** The frame that the implementation hears, without its echo, and what the caller gets back. */
async function done({ action, params }: ActionCall, data: unknown = null) {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect();
  raw.onCall = (call) => (call.action === action ? { data } : raw.usual(call));
  const answer = await home.lane.call(action, params);
  const [heard] = raw.calls(action);
  expect(Object.keys(heard ?? {})).toEqual(['action', 'params', 'echo']);
  expect(heard?.echo).toMatch(/^loong-/);
  return { frame: { action: heard?.action, params: heard?.params }, answer };
}

test('setGroupAdmin', async () => {
  for (const enable of [true, false]) {
    expect((await done(MANAGEMENT.setGroupAdmin('30003', 20002, enable))).frame).toEqual({
      action: 'set_group_admin',
      params: { group_id: 30003, user_id: 20002, enable },
    });
  }
});

test('setGroupMute', async () => {
  for (const seconds of [600, 0]) {
    expect((await done(MANAGEMENT.setGroupMute(30003, '20002', seconds))).frame).toEqual({
      action: 'set_group_ban',
      params: { group_id: 30003, user_id: 20002, duration: seconds },
    });
  }
});

test('kickGroupMember', async () => {
  for (const rejectAdd of [true, false]) {
    expect((await done(MANAGEMENT.kickGroupMember('30003', '20002', rejectAdd))).frame).toEqual({
      action: 'set_group_kick',
      params: { group_id: 30003, user_id: 20002, reject_add_request: rejectAdd },
    });
  }
});

test('setGroupWholeMute', async () => {
  for (const enable of [true, false]) {
    expect((await done(MANAGEMENT.setGroupWholeMute('30003', enable))).frame).toEqual({
      action: 'set_group_whole_ban',
      params: { group_id: 30003, enable },
    });
  }
});

test('setGroupName', async () => {
  expect((await done(MANAGEMENT.setGroupName('30003', ' New Group Name '))).frame).toEqual({
    action: 'set_group_name',
    params: { group_id: 30003, group_name: 'New Group Name' },
  });
});

test('getGroupMemberInfo', async () => {
  const member = { group_id: 30003, user_id: 20002, nickname: 'a', card: 'b', role: 'member' };
  const { frame, answer } = await done(MANAGEMENT.getGroupMemberInfo('30003', '20002', false), member);
  expect(frame).toEqual({
    action: 'get_group_member_info',
    params: { group_id: 30003, user_id: 20002, no_cache: false },
  });
  expect(answer).toEqual(member);
});

test('getFriendList', async () => {
  const friends = [{ user_id: 20002, nickname: 'a', remark: '' }];
  const { frame, answer } = await done(MANAGEMENT.getFriendList(), friends);
  expect(frame).toEqual({ action: 'get_friend_list', params: {} });
  expect(answer).toEqual(friends);
});

test('deleteFriend', async () => {
  expect((await done(MANAGEMENT.deleteFriend('20002'))).frame).toEqual({
    action: 'delete_friend',
    params: { user_id: 20002 },
  });
  await expect(done(MANAGEMENT.deleteFriend('20002'), { valid: false, message: '不是好友' })).rejects.toMatchObject({
    code: 'onebot.not_a_friend',
    message: '不是好友',
  });
});

test('setFriendRemark', async () => {
  for (const remark of ['New Remark', '']) {
    expect((await done(MANAGEMENT.setFriendRemark('20002', remark))).frame).toEqual({
      action: 'set_friend_remark',
      params: { user_id: 20002, remark },
    });
  }
});

test('uploadGroupFile', async () => {
  const file = 'https://example.org/file.pdf';
  const inFolder = MANAGEMENT.uploadGroupFile('30003', file, 'folder_id', 'file.pdf');
  const { frame, answer } = await done(inFolder, { file_id: '/abc' });
  expect(frame).toEqual({
    action: 'upload_group_file',
    params: { group_id: 30003, file, folder: 'folder_id', folder_id: 'folder_id', name: 'file.pdf' },
  });
  expect(answer).toEqual({ file_id: '/abc' });
  expect((await done(MANAGEMENT.uploadGroupFile('30003', file, '', 'file.pdf'))).frame.params).toEqual({
    group_id: 30003,
    file,
    name: 'file.pdf',
  });
});

test('uploadPrivateFile', async () => {
  const file = 'base64://YWJj';
  expect((await done(MANAGEMENT.uploadPrivateFile('20002', file, 'file.pdf'))).frame).toEqual({
    action: 'upload_private_file',
    params: { user_id: 20002, file, name: 'file.pdf' },
  });
});

test('a file by its path is one of this machine and goes along; one by file:// is where the implementation runs', async () => {
  const path = join(tempDir(), 'a.txt');
  writeFileSync(path, 'hello');
  const sent = async (file: string) =>
    (await done(MANAGEMENT.uploadPrivateFile('20002', file, 'a.txt'))).frame.params?.file;
  expect(await sent(path)).toBe('base64://aGVsbG8=');
  expect(await sent(`file://${path}`)).toBe(`file://${path}`);
  expect(await sent('https://example.test/a.txt')).toBe('https://example.test/a.txt');
  await expect(sent(`${path}.none`)).rejects.toMatchObject({ code: 'media.file_unreadable' });
});

test('an implementation that takes paths alone gets the path', async () => {
  const home = new OnebotLaneUnderTest();
  const raw = await home.connect({ program: 'go-cqhttp' });
  const path = join(tempDir(), 'a.txt');
  const { action, params } = MANAGEMENT.uploadGroupFile('30003', path, '', 'a.txt');
  await home.lane.call(action, params);
  expect(raw.calls(action)).toMatchObject([{ params: { file: path } }]);
});

test.each([
  [1, undefined],
  [2, 'media.file_too_large'],
])('with media_max_mb = 1 a file of %i MiB is %s', async (mebibytes, code) => {
  const home = new OnebotLaneUnderTest({ mediaMaxBytes: 1_048_576 });
  const raw = await home.connect();
  const path = join(tempDir(), 'a.png');
  writeFileSync(path, Buffer.alloc(mebibytes * 1_048_576));
  const sent = home.send('private:20002', [{ type: 'media', kind: 'image', url: path }]);
  if (code === undefined) await sent;
  else await expect(sent).rejects.toMatchObject({ code, certainty: 'not-delivered' });
  expect(raw.calls('send_msg')).toHaveLength(code === undefined ? 1 : 0);
});
