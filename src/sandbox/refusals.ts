/** The platform's error answers: code → HTTP status and text. Source: Bot API v2 "错误码" pages and field reports. */
import { newTraceId } from './ids.js';

interface Refusal {
  readonly status: number;
  readonly message: string;
  /** The new numbering, where it differs from `code`. */
  readonly errCode?: number;
}

const REFUSALS: { readonly [code: number]: Refusal } = {
  404: { status: 404, message: 'resource not found' },
  405: { status: 405, message: 'method not allowed' },
  10001: { status: 400, message: 'unknown account' },
  10003: { status: 400, message: 'unknown channel' },
  10004: { status: 400, message: 'unknown guild' },
  11241: { status: 401, message: 'token miss' },
  11242: { status: 401, message: 'check token fail' },
  11243: { status: 401, message: 'token wrong' },
  11244: { status: 401, message: 'token not exist or expire' },
  11251: { status: 401, message: 'wrong appid' },
  11253: { status: 401, message: 'app privilege not pass' },
  11265: { status: 401, message: 'bot is banned' },
  11298: { status: 401, errCode: 40023002, message: '接口访问源IP不在白名单' },
  20028: { status: 429, message: 'channel rate limit' },
  22009: { status: 429, message: 'msg limit exceed' },
  40007: { status: 400, message: 'stream message is not continued' },
  40011000: { status: 400, message: 'request data is malformed' },
  40034005: { status: 400, message: 'msg_id expired' },
  40034006: { status: 400, message: 'content violates the rules' },
  40034008: { status: 400, message: 'markdown is not valid' },
  40034011: { status: 400, message: 'msg_type 2 needs markdown' },
  40034024: { status: 400, message: 'msg_id is invalid' },
  40034025: { status: 400, message: 'event_id is invalid' },
  40034026: { status: 400, message: 'event_id expired' },
  40034027: { status: 400, message: 'event type does not allow a reply' },
  40034090: { status: 400, message: 'markdown is not permitted to this bot' },
  40034100: { status: 429, message: 'active messages are sent too fast' },
  40034101: { status: 400, message: 'bot is not in the group' },
  40034102: { status: 400, message: '主动消息失败, 无权限' },
  40034105: { status: 400, message: '主动消息失败, 无权限' },
  40034128: { status: 400, message: 'reply count of this msg_id is used up' },
  40054002: { status: 400, message: 'bot is muted in the group' },
  40054004: { status: 400, message: 'user is not a friend of the bot' },
  40054005: { status: 400, message: '消息被去重，请检查请求msgseq' },
  40054006: { status: 500, message: 'send message failed' },
  40054007: { status: 400, message: 'message is too long' },
  40054010: { status: 400, message: '不允许发送url' },
  40054013: { status: 400, message: 'user refuses messages of the bot' },
  40054016: { status: 400, message: 'bot is offline' },
  50006: { status: 400, message: 'message is empty' },
  50037: { status: 400, message: 'markdown may be combined with a keyboard only' },
  50055: { status: 400, message: 'markdown is not valid' },
  50056: { status: 400, message: 'markdown content is not allowed' },
  1100100: { status: 429, message: '安全打击：频率超过限制' },
  304003: { status: 400, message: 'url not allowed' },
  304018: { status: 400, message: 'bot is not connected to the gateway' },
  304026: { status: 400, message: 'replied message id is wrong' },
  304027: { status: 400, message: 'time to reply to this message is over' },
  304028: { status: 400, message: 'message did not @ the bot and may not be replied to' },
  304032: { status: 400, message: 'direct message session does not exist' },
  304034: { status: 400, message: 'not a member, no direct message session' },
  304035: { status: 400, message: 'push messages to this channel exceed the limit of the day' },
  304036: { status: 400, message: 'no privilege for markdown' },
  304047: { status: 400, message: 'push messages go to too many channels of the guild' },
  304049: { status: 400, message: 'direct push messages to this user exceed the limit of the day' },
  304050: { status: 400, message: 'direct push messages exceed the limit of the day' },
};

/** One HTTP answer of the platform. */
export interface PlatformAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly traceId: string;
  /** The error number of a refusal, for the transcript. */
  readonly code?: number;
  readonly message?: string;
  /** Of a send that was taken: what it became, for the transcript. */
  readonly sent?: { readonly id: string; readonly ref_idx?: string } | { readonly audit_id: string };
  /** Of a piece of a stream message that was taken: what is shown since. */
  readonly stream?: { readonly text: string; readonly is_finished: boolean };
}

/** A successful JSON answer. */
export function accept(body: object): PlatformAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body), traceId: newTraceId() };
}

/** The error answer for a code; a code that is not in the table is a business error, HTTP 400. */
export function refuse(code: number, message?: string, status?: number): PlatformAnswer {
  const known = REFUSALS[code] ?? { status: 400, message: 'request failed' };
  const text = message ?? known.message;
  const traceId = newTraceId();
  const body = { message: text, code, err_code: known.errCode ?? code, trace_id: traceId };
  return {
    status: status ?? known.status,
    contentType: 'application/json',
    body: JSON.stringify(body),
    traceId,
    code,
    message: text,
  };
}

/** What the front end answers before the API sees the request (413, 429, 502–504): HTML. */
export function frontEndPage(status: number, title: string): PlatformAnswer {
  const body = `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, contentType: 'text/html', body, traceId: newTraceId(), message: `${status} ${title}` };
}
