/** What would go out of a message: cut and encoded as for its delivery, and sent to nobody. */
import type { Account } from '../config/config.js';
import { encodeMessage as encodeForOnebot } from '../lanes/onebot/encode-message.js';
import { FileSource } from '../lanes/onebot/file-source.js';
import { encodeMessage as encodeForQqbot } from '../lanes/qqbot/encode-message.js';
import { plainText, type Segment } from '../model/message.js';
import type { Target } from '../model/target.js';
import { type Dialect, dialectOf, implementationLabel } from '../protocol/onebot/implementations.js';
import { partsOf } from '../relay/parts.js';
import { cuttingOf } from './open-lane.js';

/** One message on the wire. */
export interface DryPart {
  /** Of what it consists there, in order. */
  readonly kinds: readonly string[];
  /** Of its text. */
  readonly characters: number;
  /** What would be seen otherwise than it was meant. */
  readonly warning?: string;
}

export interface DryRun {
  readonly parts: readonly DryPart[];
  /** The program whose ways were heeded; absent for the official bot, and where nobody knows what is connected. */
  readonly program?: string;
}

/**
 * `appName`: what the connected OneBot program calls itself; undefined where that is not known.
 * @throws DeliveryError for what could not be sent
 */
export async function dryRun(
  account: Account,
  target: Target,
  segments: readonly Segment[],
  appName: string | undefined,
): Promise<DryRun> {
  const written = account.markdown === 'never' ? segments.map(asText) : segments;
  const cut = partsOf(written, cuttingOf(account), undefined, target.kind);
  if (account.channel === 'qqbot') return { parts: cut.map((part) => qqbotPart(target, part)) };
  const dialect = appName === undefined ? undefined : dialectOf(appName);
  const files = new FileSource(account.mediaMaxBytes);
  const parts: DryPart[] = [];
  for (const part of cut) parts.push(await onebotPart(target, part, dialect, files));
  return {
    parts,
    ...(dialect === undefined ? {} : { program: dialect === 'other' ? (appName ?? '') : implementationLabel(dialect) }),
  };
}

function asText(segment: Segment): Segment {
  return segment.type === 'markdown' ? { type: 'text', text: segment.markdown } : segment;
}

function qqbotPart(target: Target, segments: readonly Segment[]): DryPart {
  const { body } = encodeForQqbot({ target, segments });
  return { kinds: ['markdown' in body ? 'markdown' : 'text'], characters: plainText(segments).length };
}

/** Where the program is unknown only what holds for all of them is told. */
async function onebotPart(
  { kind }: Target,
  segments: readonly Segment[],
  dialect: Dialect | undefined,
  files: FileSource,
): Promise<DryPart> {
  const encoded = await encodeForOnebot(segments, kind === 'group' ? 'group' : 'c2c', dialect ?? 'other', files);
  return {
    kinds: encoded.segments.map(({ type }) => type),
    characters: encoded.segments.reduce((sum, { data }) => sum + String(data.text ?? data.content ?? '').length, 0),
    ...(dialect === undefined || encoded.warning === undefined ? {} : { warning: encoded.warning }),
  };
}
