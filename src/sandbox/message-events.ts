/** Messages of users and groups as events: C2C_MESSAGE_CREATE, GROUP_AT_MESSAGE_CREATE, GROUP_MESSAGE_CREATE. Source: Bot API v2 "消息事件". */
import { event, type PlatformEvent } from './events.js';
import type { Group, Member } from './people.js';
import { beijingTime } from './platform-time.js';
import { type Mentioned, messageType, textWithFaces, type Written } from './written-message.js';

export function c2cMessage(written: Written): PlatformEvent {
  const { author } = written;
  return event('C2C_MESSAGE_CREATE', {
    id: written.id,
    content: textWithFaces(written),
    timestamp: beijingTime(written.at),
    message_type: messageType(written),
    author: { id: author.id, user_openid: author.id, union_openid: '', username: '', bot: author.bot },
    ...sceneAndParts(written),
  });
}

export type GroupMessageType = 'GROUP_AT_MESSAGE_CREATE' | 'GROUP_MESSAGE_CREATE';

/** In the AT form the bot's own mention is already stripped, and the blanks around it remain; every other mention stays inline. */
export function groupMessage(
  type: GroupMessageType,
  group: Group,
  role: Member['role'],
  written: Written,
): PlatformEvent {
  const { author, botMention, mentions, everyone } = written;
  const inline = [
    ...(everyone ? ['@全体成员'] : []),
    ...mentions.map(({ id }) => `<@${id}>`),
    textWithFaces(written),
  ].join(' ');
  const whole = botMention === undefined ? inline : `<@${botMention.id}> ${inline}`;
  return event(type, {
    id: written.id,
    content: type === 'GROUP_AT_MESSAGE_CREATE' ? ` ${inline} ` : whole,
    timestamp: beijingTime(written.at),
    message_type: messageType(written),
    group_openid: group.openid,
    group_id: group.openid,
    author: {
      id: author.id,
      member_openid: author.id,
      member_role: role,
      username: author.name,
      bot: author.bot,
    },
    mentions: [
      ...(botMention === undefined ? [] : [mentionOf(botMention, true)]),
      ...(everyone ? [{ scope: 'all' }] : []),
      ...mentions.map((mentioned) => mentionOf(mentioned, false)),
    ],
    ...sceneAndParts(written),
  });
}

function mentionOf({ id, name, bot }: Mentioned, isYou: boolean) {
  return { scope: 'single', id, member_openid: id, nickname: name, bot, is_you: isYou };
}

function sceneAndParts({ refIdx, quote, attachments, ark }: Written) {
  const ext = [`msg_idx=${refIdx}`, ...(quote?.refIdx === undefined ? [] : [`ref_msg_idx=${quote.refIdx}`])];
  return {
    message_scene: { source: 'default', ext },
    attachments,
    ...(ark === undefined ? {} : { ark_data: ark }),
    ...(quote === undefined
      ? {}
      : {
          msg_elements: [
            { msg_idx: quote.refIdx, message_type: 0, content: quote.text, attachments: quote.attachments },
          ],
        }),
  };
}
