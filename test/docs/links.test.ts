/** The pages for people: every link between them leads somewhere, and both languages have the same parts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = [
  'README.md',
  'README.zh-CN.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const PAIRS = PAGES.filter((name) => name.endsWith('.zh-CN.md')).map((name) => [name.replace('.zh-CN', ''), name]);

/** Without what stands in code blocks, which is no prose. */
function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replace(/^( *)```[\s\S]*?^\1```$/gm, '');
}

/** The headings as an address names them. */
function anchorsOf(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(PAGES)('every link of %s within the project leads somewhere', (page) => {
  const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  for (const link of links.filter((each) => !/^https?:/.test(each))) {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : join(dirname(page), file);
    expect([link, existsSync(join(ROOT, target))]).toEqual([link, true]);
    if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor);
  }
});

describe.each(PAIRS)('%s and %s', (english = '', chinese = '') => {
  const shapeOf = (page: string) => {
    const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
    const many = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    return {
      headings: many(/^#+ /),
      rows: many(/^ *\|/),
      items: many(/^ *(-|\d\.) /),
      blocks: many(/^ *```/),
    };
  };

  test('have the same headings, rows, items and examples', () => {
    expect(shapeOf(chinese)).toEqual(shapeOf(english));
  });

  test('name each other', () => {
    expect(textOf(english)).toContain(`](${chinese.replace('docs/', '')})`);
    expect(textOf(chinese)).toContain(`](${english.replace('docs/', '')})`);
  });
});
