/** The sign that the bot types, for C2C alone. It is no message, but has a number among the replies. Source: Bot API v2 "输入状态". */
import type { TypingSign } from '../lane.js';
import type { JsonObject } from './exchange.js';

const INPUT_NOTIFY = 6;
const INPUT_TYPE = { show: 1, cancel: 2 } as const;
/** The longest that the platform takes. */
const SECONDS = 60;

export function encodeTypingSign({ conversation, isOn, passive }: TypingSign): {
  readonly path: string;
  readonly body: JsonObject;
} {
  return {
    path: `/v2/users/${encodeURIComponent(conversation.peer)}/messages`,
    body: {
      msg_type: INPUT_NOTIFY,
      input_notify: { input_type: isOn ? INPUT_TYPE.show : INPUT_TYPE.cancel, input_second: SECONDS },
      ...(passive === undefined ? {} : { [passive.token.kind]: passive.token.value, msg_seq: passive.seq }),
    },
  };
}
