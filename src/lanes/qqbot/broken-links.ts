/**
 * Text in which nothing is a link any more, for where QQ refuses addresses that were not registered (40054010, 304003).
 * The scheme goes, and a space follows each dot that an address could have: `https://example.com/a.html` becomes
 * `example. com/a. html`, `node.js` becomes `node. js`, `10.0.0.1` becomes `10. 0. 0. 1`. People can still read it, and nothing that
 * looks for domains finds one. Everything else (`3.14`, `end. Next`) stays as it was.
 */

export function withoutLinks(text: string): string {
  return text
    .replace(/[a-z0-9]{1,32}:\/\/+/gi, '')
    .replace(/(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)/g, (address) => address.replaceAll('.', '. '))
    .replace(/(?<=[\p{L}\p{M}\p{N}_-])\.(?=\p{L})/gu, '. ');
}
