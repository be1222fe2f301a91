/** How much of a text fits into a size, where characters take up differently much. Positions are UTF-16 offsets. */

/**
 * What the character (code point) at `at` takes up, 1 or more. It may look at what follows, but must not grow when less
 * follows; fence signs and line ends weigh the same everywhere.
 */
export type Weigh = (text: string, at: number) => number;

/** Every character alike: the size of a text is its number of code points, so 👍 is one. */
export const weighAlike: Weigh = () => 1;

export function sizeOf(text: string, weigh: Weigh = weighAlike): number {
  let size = 0;
  for (let at = 0; at < text.length; at = next(text, at)) size += weigh(text, at);
  return size;
}

/** The last position up to which the text from `from` fits into `room`. */
export function advance(text: string, from: number, room: number, weigh: Weigh = weighAlike): number {
  let at = from;
  let left = room;
  while (at < text.length) {
    left -= weigh(text, at);
    if (left < 0) break;
    at = next(text, at);
  }
  return at;
}

/** The last position from which the text up to `from` takes up `room` or more, or the start of the text. */
export function retreat(text: string, from: number, room: number, weigh: Weigh = weighAlike): number {
  let at = from;
  for (let left = room; left > 0 && at > 0; left -= weigh(text, at)) at -= isPair(text, at - 2) ? 2 : 1;
  return at;
}

/** The position after the character at `at`. */
export function next(text: string, at: number): number {
  return at + (isPair(text, at) ? 2 : 1);
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
