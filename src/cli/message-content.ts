/** What `channels send` is to send, from its flags: text, markdown, files, or segments as OneBot writes them. */
import type { WireSegment } from '../control/api.js';
import { UsageError } from '../model/errors.js';
import type { ChannelId } from '../model/target.js';
import { isObject, readJson } from './given-json.js';
import { namedFile } from './local-file.js';
import { readStdin } from './read-stdin.js';

export interface ContentOptions {
  readonly text?: string;
  readonly markdown?: true;
  readonly segments?: string;
  readonly image?: readonly string[];
  readonly voice?: readonly string[];
  readonly video?: readonly string[];
  readonly file?: readonly string[];
}

/** Exactly one of the three, as the daemon takes it. */
export type Content =
  | { readonly text: string }
  | { readonly markdown: string }
  | { readonly segments: readonly WireSegment[] };

/** Of one message, as the daemon has it. */
const MOST_SEGMENTS = 200;
/** Request bodies of the daemon end at 1 MiB. */
const MOST_SEGMENT_BYTES = 1_000_000;

const MEDIA = [
  ['image', 'image'],
  ['voice', 'record'],
  ['video', 'video'],
  ['file', 'file'],
] as const;

const EXAMPLE = '[{"type":"text","data":{"text":"hi"}}]';

/** @throws UsageError for flags that do not go together, or not with this channel */
export async function contentOf(options: ContentOptions, channel: ChannelId): Promise<Content> {
  const files = MEDIA.flatMap(([flag, type]) =>
    (options[flag] ?? []).map((file) => ({ flag: `--${flag}`, type, file })),
  );
  assertSupported(channel, [
    ...files.map(({ flag }) => flag),
    ...(options.segments === undefined ? [] : ['--segments']),
  ]);
  if (options.segments !== undefined) {
    const others = [...(options.text === undefined ? [] : ['--text']), ...files.map(({ flag }) => flag)];
    if (others.length > 0 || options.markdown === true) {
      throw new UsageError(
        'usage.conflict',
        `--segments says the whole message, so ${others[0] ?? '--markdown'} cannot stand beside it`,
        'put everything into --segments, or leave it out',
      );
    }
    return { segments: checkedSegments(await readJson('--segments', options.segments, EXAMPLE)) };
  }
  if (options.text === undefined && options.markdown === true)
    throw new UsageError('usage', '--markdown says how --text is written, and there is no --text', 'pass --text, too');
  if (options.text === undefined && files.length === 0) throw nothingToSend(channel);
  const text = options.text === '-' ? await readStdin() : options.text;
  if (files.length === 0) return options.markdown === true ? { markdown: text ?? '' } : { text: text ?? '' };
  const segments = text === undefined ? [] : [written(text, options.markdown === true)];
  for (const { flag, type, file } of files) {
    const { place, name } = await namedFile(flag, file);
    segments.push({ type, data: { file: place, ...(type === 'file' && name !== undefined ? { name } : {}) } });
  }
  return { segments: checkedSegments(segments) };
}

/** The same with an earlier message quoted before it, for channels where a reply is a part of the message. */
export function quoting(messageId: string, content: Content): Content {
  const quote: WireSegment = { type: 'reply', data: { id: messageId } };
  if ('segments' in content) return { segments: [quote, ...content.segments] };
  return { segments: [quote, 'text' in content ? written(content.text, false) : written(content.markdown, true)] };
}

/** What stands in it that is text, for checks of its length. */
export function writtenIn(content: Content): string {
  if ('text' in content) return content.text;
  if ('markdown' in content) return content.markdown;
  return content.segments
    .map(({ data: { text, content: markdown } }) =>
      typeof text === 'string' ? text : typeof markdown === 'string' ? markdown : '',
    )
    .join('');
}

function written(text: string, isMarkdown: boolean): WireSegment {
  return isMarkdown ? { type: 'markdown', data: { content: text } } : { type: 'text', data: { text } };
}

function assertSupported(channel: ChannelId, [flag]: readonly string[]): void {
  if (channel === 'onebot' || flag === undefined) return;
  throw new UsageError(
    'message.unsupported',
    `${flag} on ${channel} is not part of this version`,
    'send --text or --markdown; pictures and files go out over onebot',
  );
}

function nothingToSend(channel: ChannelId): UsageError {
  const more = channel === 'onebot' ? ', or --image, --voice, --video, --file or --segments' : '';
  return new UsageError('usage', 'there is nothing to send', `pass --text, --text - for stdin${more}`);
}

/** A list of `{type, data}`; what each type needs, the daemon knows. */
function checkedSegments(value: unknown): readonly WireSegment[] {
  const remedy = `write a list like --segments '${EXAMPLE}'`;
  const refused = (why: string) => new UsageError('message.bad_segments', why, remedy);
  if (!Array.isArray(value) || value.length === 0) throw refused('--segments is no list of segments, or an empty one');
  if (value.length > MOST_SEGMENTS)
    throw refused(`--segments has ${value.length} segments; at most ${MOST_SEGMENTS} are taken`);
  const segments = value.map((segment: unknown, i): WireSegment => {
    const where = `segment ${i + 1} of --segments`;
    if (!isObject(segment)) throw refused(`${where} is no object`);
    const { type, data = {}, ...others } = segment;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw refused(`${where} has a key \`${unknown}\`; it may have \`type\` and \`data\``);
    if (typeof type !== 'string' || !/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(type))
      throw refused(`${where} has no \`type\``);
    if (!isObject(data)) throw refused(`the \`data\` of ${where} is no object`);
    return { type, data };
  });
  if (Buffer.byteLength(JSON.stringify(segments)) > MOST_SEGMENT_BYTES) {
    throw new UsageError(
      'message.too_long',
      `the message has more than ${MOST_SEGMENT_BYTES} bytes`,
      'name files by path or address instead of writing them out',
    );
  }
  return segments;
}
