/** What stands for a segment where only text can stand: `[骰子: 6]`, `[位置: …]`, and `[不支持的内容: …]` for what nobody knows. */
import { oneLine } from '../one-line.js';
import { bracketed, cardWords, placeWords, xmlWords } from './card-words.js';
import { type Fields, fields, wordIn } from './wire-fields.js';

const MAX_WORDS = 300;
/** Source: the seed's table of results. */
const RPS: { readonly [result: string]: string } = { '1': '石头', '2': '剪刀', '3': '布' };

const word = (value: unknown) => oneLine(wordIn(value) ?? '', MAX_WORDS);

type Words = (data: Fields) => string;

const named =
  (kind: string, ...keys: readonly string[]): Words =>
  (data) =>
    bracketed(
      kind,
      keys
        .map((key) => word(data[key]))
        .filter((part) => part !== '')
        .join(' '),
    );

const WORDS: { readonly [type: string]: Words } = {
  face: faceWords,
  bface: named('表情', 'text'),
  sface: named('表情', 'id'),
  mface: pictureWords,
  marketface: pictureWords,
  dice: named('骰子', 'result'),
  rps: ({ result }) => bracketed('猜拳', RPS[word(result)] ?? word(result)),
  location: ({ title, content, lat, lon }) => bracketed('位置', placeWords(title, content, lat, lon)),
  json: ({ data }) => cardWords(data, '卡片'),
  miniapp: ({ data }) => cardWords(data, '小程序'),
  lightapp: ({ data, content }) => cardWords(data ?? content, '小程序'),
  xml: ({ data }) => xmlWords(data),
  contact: ({ type, id }) => bracketed(type === 'group' ? '推荐群' : '推荐好友', word(id)),
  music: named('音乐', 'title', 'type', 'id', 'url'),
  share: named('链接', 'title', 'content', 'url'),
  poke: named('戳一戳', 'name'),
  shake: named('窗口抖动'),
  anonymous: named('匿名'),
  forward: named('聊天记录'),
  node: named('聊天记录', 'nickname', 'name'),
  longmsg: named('长消息'),
  image: named('图片'),
  record: named('语音'),
  video: named('视频'),
  file: ({ name, file }) => bracketed('文件', word(name ?? file)),
  onlinefile: named('在线文件', 'fileName'),
  flashtransfer: named('闪传文件'),
  redbag: named('红包', 'title'),
  gift: named('礼物'),
  tts: named('文字转语音', 'text'),
  cardimage: named('图片卡片', 'source'),
  keyboard: named('按钮'),
  reply: named('引用', 'text'),
};

export function nativeWords(type: string, data: Fields): string {
  const words = Object.hasOwn(WORDS, type) ? WORDS[type] : undefined;
  return words === undefined ? unsupportedWords(type) : words(data);
}

export function unsupportedWords(what: string): string {
  return bracketed('不支持的内容', oneLine(what, 64));
}

/** NapCat sends along what QQ calls it: `/微笑`. */
function faceWords({ id, raw }: Fields): string {
  const name = word(fields(raw)?.faceText).replace(/[[\]/]/g, '');
  return name === '' ? bracketed('表情', word(id)) : `[${name}]`;
}

/** A summary often has its own brackets: `[开心]`. */
function pictureWords({ summary }: Fields): string {
  return bracketed('表情', word(summary).replace(/[[\]]/g, ''));
}
