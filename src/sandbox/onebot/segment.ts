/** One part of a message, as it stands on the wire of OneBot v11. */
export interface Segment {
  readonly type: string;
  readonly data: { readonly [key: string]: unknown };
}

const WORDS: { readonly [type: string]: string } = {
  image: '图片',
  mface: '表情',
  face: '表情',
  record: '语音',
  video: '视频',
  file: '文件',
  json: '卡片',
  xml: '卡片',
  markdown: 'Markdown',
  forward: '合并转发',
  node: '合并转发',
  location: '位置',
  contact: '名片',
  music: '音乐',
  dice: '骰子',
  rps: '猜拳',
  poke: '戳一戳',
};

/** What a person reads of a message, e.g. `@20002 hello [图片]`. */
export function readableText(segments: readonly Segment[]): string {
  return segments.map(({ type, data }) => readableSegment(type, data)).join('');
}

function readableSegment(type: string, data: Segment['data']): string {
  if (type === 'text') return String(data.text ?? '');
  if (type === 'at') return data.qq === 'all' ? '@全体成员' : `@${String(data.qq ?? '')}`;
  if (type === 'reply') return '';
  if (type === 'markdown') return String(data.content ?? '');
  const detail = data.name ?? data.result ?? data.title;
  return `[${WORDS[type] ?? type}${typeof detail === 'string' && detail !== '' ? `: ${detail}` : ''}]`;
}
