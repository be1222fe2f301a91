/** Whether the body of a send is right in itself: its fields, its length, and what the platform lets this bot say at all. */
import { type Attempt, isInGuild, isObject, type JsonObject, MSG_TYPE, nonEmpty } from './attempt.js';
import { type PlatformAnswer, refuse } from './refusals.js';
import type { Settings } from './settings.js';

const MALFORMED = 40011000;
const EMPTY = 50006;
const TOO_LONG = 40054007;
const MARKDOWN = { missing: 40034011, bad: 40034008, forbidden: 40034090 } as const;
const GUILD_MARKDOWN = { missing: 50055, bad: 50055, forbidden: 304036, mixed: 50037 } as const;
/** In C2C and in direct messages addresses are free. */
const URL_FORBIDDEN: { readonly [kind in Attempt['scene']['kind']]: number | undefined } = {
  c2c: undefined,
  group: 40054010,
  channel: 304003,
  dm: undefined,
};
/** Also what merely looks like a domain, as `a.py` does. */
const LOOKS_LIKE_URL = /https?:\/\/|\b[\w-]+\.[a-z]{2,}\b/i;

/** @returns the refusal, or undefined. */
export function bodyFault(attempt: Attempt, settings: Settings): PlatformAnswer | undefined {
  const { scene, body, text } = attempt;
  if (body === undefined) return malformed('the body is no JSON object');
  for (const key of ['content', 'msg_id', 'event_id'] as const) {
    if (typeof (body[key] ?? '') !== 'string') return malformed(`${key} is no string`);
  }
  if (nonEmpty(body.msg_id) !== undefined && nonEmpty(body.event_id) !== undefined)
    return malformed('msg_id and event_id exclude each other');
  if (body.message_reference !== undefined && attempt.quote === undefined)
    return malformed('message_reference needs its message_id');
  if ([...text].length > settings.maxTextLength) return refuse(TOO_LONG);
  return (
    (isInGuild(scene) ? guildFault(body, settings) : numberedFault(attempt, body, settings)) ??
    urlFault(attempt, settings)
  );
}

/** Bodies of C2C and of groups say with `msg_type` what they are. */
function numberedFault(
  { scene, msgType, text }: Attempt,
  body: JsonObject,
  { markdownAllowed }: Settings,
): PlatformAnswer | undefined {
  if (msgType === undefined) return malformed('msg_type is no number');
  if (!Number.isInteger(body.msg_seq ?? 1)) return malformed('msg_seq is no integer');
  switch (msgType) {
    case MSG_TYPE.text:
      return text === '' ? refuse(EMPTY) : undefined;
    case MSG_TYPE.markdown:
      return markdownFault(body.markdown, MARKDOWN, markdownAllowed);
    case MSG_TYPE.inputNotify:
      return scene.kind === 'c2c' ? typingFault(body.input_notify) : malformed('input_notify is for C2C');
    default:
      return malformed(`msg_type ${msgType} is not known to this sandbox`);
  }
}

function typingFault(notify: unknown): PlatformAnswer | undefined {
  if (!isObject(notify)) return malformed('input_notify needs its object');
  const { input_type: type, input_second: seconds = 0 } = notify;
  if (type !== 1 && type !== 2) return malformed('input_type is neither 1 nor 2');
  if (typeof seconds !== 'number' || seconds < 0 || seconds > 60) return malformed('input_second is not within 60');
  return undefined;
}

/** Bodies for guilds are what they hold; markdown stands alone, but for a keyboard. */
function guildFault(body: JsonObject, { markdownAllowed }: Settings): PlatformAnswer | undefined {
  const held = ['content', 'embed', 'ark', 'image'].filter((key) => body[key] !== undefined && body[key] !== '');
  if (body.markdown === undefined) return held.length === 0 ? refuse(EMPTY) : undefined;
  if (held.length > 0) return refuse(GUILD_MARKDOWN.mixed);
  return markdownFault(body.markdown, GUILD_MARKDOWN, markdownAllowed);
}

function markdownFault(
  markdown: unknown,
  codes: { readonly [why in 'missing' | 'bad' | 'forbidden']: number },
  allowed: boolean,
): PlatformAnswer | undefined {
  if (!isObject(markdown)) return refuse(codes.missing);
  const isTemplate = markdown.custom_template_id !== undefined || markdown.template_id !== undefined;
  if (!isTemplate && nonEmpty(markdown.content) === undefined) return refuse(codes.bad);
  return allowed ? undefined : refuse(codes.forbidden);
}

function urlFault({ scene, text }: Attempt, { urlsAllowed }: Settings): PlatformAnswer | undefined {
  const code = URL_FORBIDDEN[scene.kind];
  return urlsAllowed || code === undefined || !LOOKS_LIKE_URL.test(text) ? undefined : refuse(code);
}

const malformed = (why: string): PlatformAnswer => refuse(MALFORMED, `request data is malformed: ${why}`);
