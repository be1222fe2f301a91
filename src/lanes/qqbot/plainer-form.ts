/** What a message becomes when the platform refuses it for its markdown or for an address in it, and whether that is worth a try. */
import type { MarkdownMode } from '../../config/config.js';
import type { Plainer, Segment } from '../../model/message.js';
import { withoutLinks } from './broken-links.js';
import { markdownToText } from './markdown-to-text.js';

/** The segments without what is to be left out. */
export function madePlainer(segments: readonly Segment[], { markdown, links }: Plainer): readonly Segment[] {
  const withoutMarkdown = markdown ? segments.map(asText) : segments;
  return links ? withoutMarkdown.map(asUnlinked) : withoutMarkdown;
}

/** Undefined when the account forbids it, or when the same would be sent again. */
export function plainerForm(
  segments: readonly Segment[],
  refusedFor: keyof Plainer,
  already: Plainer,
  mode: MarkdownMode,
): Plainer | undefined {
  const form = { ...already, [refusedFor]: true };
  if (already[refusedFor]) return undefined;
  if (refusedFor === 'markdown')
    return mode === 'auto' && segments.some(({ type }) => type === 'markdown') ? form : undefined;
  const sent = madePlainer(segments, mode === 'never' ? { markdown: true } : already);
  return sent.some((segment) => asUnlinked(segment) !== segment) ? form : undefined;
}

function asText(segment: Segment): Segment {
  return segment.type === 'markdown' ? { type: 'text', text: markdownToText(segment.markdown) } : segment;
}

/** The segment itself when there is no link in it. */
function asUnlinked(segment: Segment): Segment {
  if (segment.type === 'text') {
    const text = withoutLinks(segment.text);
    return text === segment.text ? segment : { type: 'text', text };
  }
  if (segment.type !== 'markdown') return segment;
  // Within `<…>` what is no address would be taken for HTML.
  const markdown = withoutLinks(segment.markdown.replace(/<([a-z0-9]{1,32}:\/\/[^\s<>]*)>/gi, '$1'));
  return markdown === segment.markdown ? segment : { type: 'markdown', markdown };
}
