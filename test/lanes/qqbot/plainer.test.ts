/** What is sent instead of what was refused: markdown as text, addresses that are no links, and how long all of it gets. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutLinks } from '../../../src/lanes/qqbot/broken-links.js';
import { encodeMessage } from '../../../src/lanes/qqbot/encode-message.js';
import { encodedSizes } from '../../../src/lanes/qqbot/encoded-sizes.js';
import { markdownToText } from '../../../src/lanes/qqbot/markdown-to-text.js';
import { plainerForm } from '../../../src/lanes/qqbot/plainer-form.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { Plainer, Segment } from '../../../src/model/message.js';
import type { AccountId, PeerId, Target, TargetKind } from '../../../src/model/target.js';
import { partsOf } from '../../../src/relay/parts.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const KINDS = ['c2c', 'group', 'channel', 'dm'] as const;
const text = (content: string): Segment => ({ type: 'text', text: content });
const markdown = (content: string): Segment => ({ type: 'markdown', markdown: content });
const mention = (peer: string, name: string): Segment => ({ type: 'mention', peer: peer as PeerId, name });

function made(kind: TargetKind, segments: readonly Segment[], plainer?: Plainer) {
  const target = { channel: 'qqbot', account: 'main' as AccountId, kind, peer: 'P' as PeerId } as const;
  return encodeMessage({ target, segments, ...(plainer === undefined ? {} : { plainer }) }).body;
}

function sent(kind: TargetKind, segments: readonly Segment[], plainer?: Plainer): string {
  const body = made(kind, segments, plainer) as { content?: string; markdown?: { content: string } };
  return body.markdown?.content ?? body.content ?? '';
}

const pieces = [
  ...['a', 'word ', '好', '👍', ' ', '\n', '\r\n', '.', '. ', 'a.b', '1.2.3.4', 'node.js', '。'],
  ...['https://', 'ab://', 'http://x.y/z.html', '://', 'www.', '&', '<', '>', '&amp;', '<@', '<qqbot', '@everyone'],
  ...['*', '**', '***', '_', '__', '~~', '`', '``', '\\', '# ', '- ', '1. ', '> ', '![', '[', ']', '](', '(', ')'],
  ...['[t](u.v)', '![i #1px #2px](https://u.v)', '<https://a.b>', '```js\n', '```\n', '~~~\n', '"', '|'],
];
const piece = fc.oneof({ arbitrary: fc.constantFrom(...pieces), weight: 9 }, fc.string({ unit: 'binary' }));
const writing = fc.array(piece, { maxLength: 60, size: 'max' }).map((parts) => parts.join(''));

describe('markdown as text', () => {
  test.for([
    ['a heading', '# Title\nbody', 'Title\nbody'],
    ['emphasis', '**bold**, *it*, __b__, _i_, ***bi***, ~~old~~', 'bold, it, b, i, bi, old'],
    ['emphasis between ideographs', '这是**重点**和*斜体*。', '这是重点和斜体。'],
    ['emphasis in emphasis', '**a *b* c**', 'a b c'],
    ['a link', 'see [the page](https://example.com/a_b_c "title").', 'see the page (https://example.com/a_b_c).'],
    ['an address with brackets', '[x](https://e.com/a_(b))', 'x (https://e.com/a_(b))'],
    ['a link that is its own name', '[https://e.com](https://e.com) <https://f.com>', 'https://e.com https://f.com'],
    ['emphasis around and within links', '**[a *b*](u)** [](u)', 'a b (u) u'],
    ['an image', '![a cat #208px #320px](https://e.com/c.png)', 'a cat (https://e.com/c.png)'],
    ['an image without words', '![](https://e.com/c.png)', 'https://e.com/c.png'],
    ['an image that is a link', '[![build](b.svg)](https://ci)', 'build (b.svg) (https://ci)'],
    ['lists', '- a\n  * **b**\n+ c\n1. d', '• a\n  • b\n• c\n1. d'],
    ['code', 'call `a_b(*c)` or ``x ` y``', 'call a_b(*c) or x ` y'],
    ['a fence keeps its content', 'x\n```js\n# a\n**b** [c](d)\n```\ny', 'x\n# a\n**b** [c](d)\ny'],
    ['another fence within', '~~~~\n```\n~~~\n~~~~\nz', '```\n~~~\nz'],
    ['a fence that stays open', '```\n*a*', '*a*'],
    ['escapes', '\\*a\\* \\[b\\] c\\d', '*a* [b] c\\d'],
    [
      'what looks like it and is none',
      '2*3*4 a * b snake_case_name [1] a ~ b !x `c',
      '2*3*4 a * b snake_case_name [1] a ~ b !x `c',
    ],
    ['half a run of backticks that is escaped', '`` \\``` x', '`` ``` x'],
    ['a rule', 'a\n***\nb\n---', 'a\n***\nb\n---'],
    ['nothing but signs', '```\n```', '```\n```'],
  ])('%s', ([, written, expected]) => {
    expect(markdownToText(written ?? '')).toBe(expected);
  });

  test('is never longer, nor blank, and of plain words nothing is lost', () => {
    fc.assert(
      fc.property(writing, (written) => {
        const plain = markdownToText(written);
        expect(plain.length).toBeLessThanOrEqual(written.length);
        expect(plain.trim() === '').toBe(written.trim() === '');
      }),
      { numRuns: 2000 },
    );
    const words = fc.stringMatching(/^[a-z 好。,.\n]{0,80}$/);
    fc.assert(
      fc.property(words, (written) => {
        expect(markdownToText(written)).toBe(written);
      }),
    );
  });
});

describe('addresses that are no links', () => {
  test.for([
    ['https://example.com/a.html?x=1', 'example. com/a. html?x=1'],
    ['see example.com.', 'see example. com.'],
    ['a.py, node.js and e.g. x', 'a. py, node. js and e. g. x'],
    ['me@mail.example.org', 'me@mail. example. org'],
    ['例子.中国 www.例子.com', '例子. 中国 www. 例子. com'],
    ['http://10.0.0.1:80/ 10.0.0.1.', '10. 0. 0. 1:80/ 10. 0. 0. 1.'],
  ])('%j becomes %j', ([written, expected]) => {
    expect(withoutLinks(written ?? '')).toBe(expected);
  });

  test.for(['end. Next', '3.14', 'v1.2.3', '你好。Node', 'wait... what', '// note', 'a:b', '.'])(
    '%j stays',
    (written) => {
      expect(withoutLinks(written)).toBe(written);
    },
  );
});

test('nothing that looks like an address is left, and a second look changes nothing', () => {
  fc.assert(
    fc.property(writing, (written) => {
      const broken = withoutLinks(written);
      expect(broken).not.toMatch(/https?:\/\/|[\p{L}\p{N}_-]\.\p{L}/iu);
      expect(withoutLinks(broken)).toBe(broken);
    }),
    { numRuns: 2000 },
  );
});

describe('a message made plainer', () => {
  const full = [text('a*b '), markdown('**c** [d](https://e.com)')];

  test('without markdown it is text, in every kind of conversation', () => {
    const plain = 'a*b c d (https://e.com)';
    for (const kind of ['c2c', 'group'] as const)
      expect(made(kind, full, { markdown: true })).toEqual({ content: plain, msg_type: 0 });
    for (const kind of ['channel', 'dm'] as const)
      expect(made(kind, full, { markdown: true })).toEqual({ content: plain });
    expect(sent('channel', [markdown('**a** < b')], { markdown: true })).toBe('a &lt; b');
  });

  test('without links it stays markdown, and both can go', () => {
    expect(made('group', full, { links: true })).toEqual({
      markdown: { content: 'a\\*b **c** [d](e. com)' },
      msg_type: 2,
    });
    expect(sent('group', [markdown('<https://e.com>')], { links: true })).toBe('e. com');
    expect(made('group', full, { links: true, markdown: true })).toEqual({ content: 'a*b c d (e. com)', msg_type: 0 });
  });

  test('what is markup only in the plainer form addresses nobody either', () => {
    expect(sent('channel', [markdown('\\<@1> @**everyone** [<](x)@2>')], { markdown: true })).not.toMatch(
      /<\s*@|@everyone/,
    );
    expect(sent('group', [markdown('\\<@1> <**@2>** @**everyone**')], { markdown: true })).not.toMatch(/<@|@everyone/);
  });
});

describe('a platform that refuses', () => {
  const target = { channel: 'qqbot', account: 'main', kind: 'group', peer: 'group_demo' } as unknown as Target;
  const { signal } = new AbortController();

  test('takes the form that the lane names', async () => {
    const sandbox = await openSandbox();
    const { lane } = new LaneUnderTest(sandbox);
    sandbox.platform.set({ markdown_allowed: false, urls_allowed: false });
    const segments = [markdown('**see** [a.py](https://e.com/a.py)')];
    let plainer: Plainer = {};
    for (const failure of ['markdown', 'links'] as const) {
      await expect(lane.send({ target, segments, plainer }, signal)).rejects.toThrow(DeliveryError);
      plainer = lane.plainerForm(segments, failure, plainer) ?? {};
    }
    await lane.send({ target, segments, plainer }, signal);
    expect(sandbox.platform.transcript.since(0).findLast(({ kind }) => kind === 'bot.send')).toMatchObject({
      text: 'see a. py (e. com/a. py)',
    });
  });

  test('never sees the markdown of an account that writes none', async () => {
    const sandbox = await openSandbox();
    const { lane } = new LaneUnderTest(sandbox, undefined, { markdown: 'never' });
    sandbox.platform.set({ markdown_allowed: false });
    await lane.send({ target, segments: [markdown('# **a** b.c')] }, signal);
    expect(sandbox.platform.transcript.since(0).at(-1)).toMatchObject({ kind: 'bot.send', msg_type: 0, text: 'a b.c' });
    expect(lane.plainerForm([markdown('**a**')], 'markdown', {})).toBeUndefined();
  });
});

describe('the form to try after a refusal', () => {
  const marked = [markdown('**a**')];
  const linked = [text('see a.py')];

  test('is plainer by what it was refused for, and keeps what it was', () => {
    expect(plainerForm(marked, 'markdown', {}, 'auto')).toEqual({ markdown: true });
    expect(plainerForm(marked, 'markdown', { links: true }, 'auto')).toEqual({ markdown: true, links: true });
    for (const mode of ['auto', 'always', 'never'] as const)
      expect(plainerForm(linked, 'links', {}, mode)).toEqual({ links: true });
  });

  test('is none where the same would be sent again, or the account forbids it', () => {
    expect(plainerForm(marked, 'markdown', {}, 'always')).toBeUndefined();
    expect(plainerForm(marked, 'markdown', {}, 'never')).toBeUndefined();
    expect(plainerForm(marked, 'markdown', { markdown: true }, 'auto')).toBeUndefined();
    expect(plainerForm([text('**a**')], 'markdown', {}, 'auto')).toBeUndefined();
    expect(plainerForm(linked, 'links', { links: true }, 'auto')).toBeUndefined();
    expect(plainerForm([text('3.14. Yes'), mention('A', 'B')], 'links', {}, 'auto')).toBeUndefined();
  });

  test('looks at what was really sent: a link that markdown made is none in the text', () => {
    const hidden = [markdown('a.\\.b'), markdown('a.**b**')];
    expect(plainerForm(hidden, 'links', {}, 'auto')).toBeUndefined();
    expect(plainerForm(hidden, 'links', { markdown: true }, 'auto')).toEqual({ markdown: true, links: true });
    expect(plainerForm(hidden, 'links', {}, 'never')).toEqual({ links: true });
  });

  test('is undefined exactly when the plainer message would be the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), writing, fc.boolean(), (kind, written, isMarkdown) => {
        const segments = [isMarkdown ? markdown(written) : text(written)];
        for (const refusedFor of ['markdown', 'links'] as const) {
          const form = plainerForm(segments, refusedFor, {}, 'auto');
          const same =
            JSON.stringify(made(kind, segments)) === JSON.stringify(made(kind, segments, { [refusedFor]: true }));
          if (kind === 'c2c' || kind === 'group') expect(form === undefined).toBe(same);
          else if (form === undefined) expect(same).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sizes', () => {
  const FORMS: readonly (Plainer | undefined)[] = [
    undefined,
    { markdown: true },
    { links: true },
    { markdown: true, links: true },
  ];

  test('no part gets longer than its limit on its way out, whatever was written and in whichever form it goes', () => {
    const segment = fc.oneof(
      writing.map(text),
      writing.map(markdown),
      writing.map((name) => mention('BOB', name.slice(0, 5))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.array(segment, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 60, max: 400 }),
        fc.constantFrom('length', 'newline'),
        fc.boolean(),
        (kind, segments, limit, mode, isKnown) => {
          const parts = partsOf(segments, { limit, mode, sizes: encodedSizes }, undefined, isKnown ? kind : undefined);
          for (const part of parts) {
            for (const form of FORMS) expect([...sent(kind, part, form)].length).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.for([
    ['channel', `${'x'.repeat(99)}<`.repeat(118), 5],
    ['channel', '&'.repeat(3000), 2],
    ['dm', '>'.repeat(4000), 2],
  ] as const)('a %s answer that grows and is escaped stays within 5,000', ([kind, written, places]) => {
    for (const known of [kind, undefined]) {
      const parts = partsOf([text(written)], { limit: 2000, mode: 'length', sizes: encodedSizes }, places, known);
      expect(parts.map((part) => (part[0]?.type === 'text' ? part[0].text : '')).join('')).toBe(written);
      for (const part of parts) expect(sent(kind, part).length).toBeLessThanOrEqual(5000);
    }
  });

  test('what is not escaped counts once', () => {
    const cutting = { limit: 2000, mode: 'length', sizes: encodedSizes } as const;
    for (const kind of ['c2c', 'group'] as const)
      expect(partsOf([text('&'.repeat(2000))], cutting, 9, kind)).toHaveLength(1);
    for (const kind of KINDS) expect(partsOf([text('字'.repeat(2000))], cutting, 9, kind)).toHaveLength(1);
    for (const kind of KINDS) expect(partsOf([markdown('*'.repeat(2000))], cutting, 9, kind)).toHaveLength(1);
  });
});

describe('a hundred thousand characters are no trouble', () => {
  const floods = [
    ...[
      '*',
      '_',
      '~~',
      '`',
      '[',
      '](',
      '![',
      '[]( "',
      '[](',
      '[a](b',
      '](x(y)',
      '](](x)',
      '](a()',
      '<http://',
      '\\',
      '(',
      '- ',
      '#',
    ],
    ...[
      '*a',
      'a_',
      '**a ',
      '` `` ',
      '``` ',
      '```\n',
      '~~~a\n',
      ' #1px',
      '![ #1',
      'a.',
      '1.',
      '1.1',
      'a-',
      'a://',
      'aa:',
      '.',
      '> ',
      '\t',
    ],
    ...['[![a](b)](c)', '[a *b*](c)', '<', '&', '[b](c) ', '![](', '[](a    '],
  ];
  test.for(floods)('of %j', (sign) => {
    const flood = sign.repeat(Math.ceil(100_000 / sign.length));
    const begun = performance.now();
    markdownToText(flood);
    markdownToText(`${flood})x`);
    withoutLinks(flood);
    partsOf([markdown(flood)], { limit: 2000, mode: 'length', sizes: encodedSizes }, 5, 'channel');
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});
