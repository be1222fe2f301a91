import { describe, expect, test } from 'vitest';
import { dialectOf, fateOf, standsAlone } from '../../../src/protocol/onebot/implementations.js';
import { isOfficialRobot } from '../../../src/protocol/onebot/official-robots.js';
import { RETCODES, retcodeMeaning, textMeaning } from '../../../src/protocol/onebot/retcodes.js';

describe('retcodes', () => {
  test.for([
    [0, 'ok'],
    [1, 'ok'],
    [-1, 'failed'],
    [100, 'refused'],
    [103, 'permission'],
    [200, 'failed'],
    [202, 'busy'],
    [404, 'unknown-action'],
    [1200, 'failed'],
    [1400, 'refused'],
    [1401, 'auth'],
    [1403, 'auth'],
    [1404, 'unknown-action'],
  ] as const)('%i is %s', ([retcode, kind]) => {
    expect(retcodeMeaning(retcode)?.class).toBe(kind);
  });

  test('every failure says what helps, success says nothing', () => {
    for (const [retcode, { class: kind, remedy }] of Object.entries(RETCODES)) {
      expect([retcode, remedy === undefined]).toEqual([retcode, kind === 'ok']);
      expect(retcodeMeaning(Number(retcode))?.class).toBe(kind);
    }
  });

  test.for([7, 99_999, Number.NaN])('nobody knows %d', (retcode) => {
    expect(retcodeMeaning(retcode)).toBeUndefined();
  });

  test.for([
    ['不支持的Api set_group_anonymous', 'unknown-action'],
    ['消息不存在或已被撤回', 'refused'],
    ['消息体无法解析, 请检查是否发送了不支持的消息类型', 'refused'],
    ['未知的消息类型：share', 'refused'],
    ['cannot ban owner/admin', 'permission'],
    ['Error: ERR_NOT_GROUP_ADMIN', 'permission'],
    ['Timeout: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg', 'failed'],
    ['real fileUUID not found!', 'refused'],
    ['No such request', 'refused'],
    ['GROUP_NOT_FOUND', 'refused'],
  ] as const)('the text %s is understood', ([said, kind]) => {
    const meaning = textMeaning(said);
    expect(meaning?.remedy).toBeTruthy();
    expect(meaning?.class).toBe(kind);
  });

  test.for([
    ['群(30003)成员20009不存在', /nobody of this number is in the group, or the account itself is not/],
    ['MEMBER_NOT_FOUND: 群(30003)成员20009不存在', /nobody of this number is in the group/],
    ['群聊 30003 不存在', /no such group, or the account is not in it/],
    ['GROUP_NOT_FOUND', /no such group, or the account is not in it/],
    ['好友不存在', /nobody of this number whom the account could address/],
  ] as const)('%s may mean two things, and both are told', ([said, cause]) => {
    expect(textMeaning(said)?.cause).toMatch(cause);
  });

  test('other texts say nothing of their own', () => {
    expect(textMeaning('something else')).toBeUndefined();
  });
});

describe('implementations', () => {
  test.for([
    ['NapCat.Onebot', 'napcat'],
    ['LLOneBot', 'llonebot'],
    ['Lagrange.OneBot', 'lagrange'],
    ['go-cqhttp', 'go-cqhttp'],
    ['shamrock', 'other'],
    ['', 'other'],
  ] as const)('%s is %s', ([name, dialect]) => {
    expect(dialectOf(name)).toBe(dialect);
  });

  test('the same segment fares differently', () => {
    const fates = (type: string) =>
      (['napcat', 'llonebot', 'lagrange', 'go-cqhttp', 'other'] as const).map((dialect) => fateOf(dialect, type));
    expect(fates('xml')).toEqual(['dropped', 'dropped', 'sent', 'sent', 'sent']);
    expect(fates('location')).toEqual(['stub', 'dropped', 'sent', 'dropped', 'sent']);
    expect(fates('dice')).toEqual(['random', 'sent', 'random', 'random', 'random']);
    expect(fates('share')).toEqual(['fails', 'dropped', 'dropped', 'sent', 'sent']);
    expect(fates('constructor')).toEqual(['fails', 'dropped', 'dropped', 'dropped', 'sent']);
  });

  test('pictures mix with text, voices do not', () => {
    expect(['text', 'image', 'at', 'reply', 'face'].some(standsAlone)).toBe(false);
    expect(['record', 'video', 'file', 'json', 'dice', 'mface'].every(standsAlone)).toBe(true);
  });

  test('the group keeper is a robot, people are not', () => {
    expect(isOfficialRobot('2854196310')).toBe(true);
    expect(['10001', '2854196300', 'abc', ''].some(isOfficialRobot)).toBe(false);
  });
});
