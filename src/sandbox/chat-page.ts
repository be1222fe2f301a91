/** The chat page: static files from the folder beside this one. Nothing it shows is ever part of a served file. */
import { readFile } from 'node:fs/promises';

const FILES: { readonly [path: string]: { readonly file: string; readonly type: string } } = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/onebot.js': { file: 'onebot.js', type: 'text/javascript; charset=utf-8' },
  '/words.js': { file: 'words.js', type: 'text/javascript; charset=utf-8' },
};

const PAGE_HEADERS = {
  'Content-Security-Policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
} as const;

/** @returns the file of the page at this path, or undefined when there is none. */
export async function chatPage(path: string): Promise<Response | undefined> {
  const found = FILES[path];
  if (found === undefined) return undefined;
  const content = await readFile(new URL(`./page/${found.file}`, import.meta.url));
  return new Response(content, { headers: { 'Content-Type': found.type, ...PAGE_HEADERS } });
}
