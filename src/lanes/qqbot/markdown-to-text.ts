/**
 * Markdown as text that reads well without being rendered, for where QQ takes no markdown: headings and emphasis lose
 * their signs, `[t](u)` becomes `t (u)`, an image `alt (u)`, a list sign `•`; of a code fence the content stays, exactly. What
 * is no such markup stays as it was written. Never longer than the markdown, and never blank unless that was; in linear time.
 */

export function markdownToText(markdown: string): string {
  let written = '';
  let fence: string | undefined;
  for (const [whole, line = '', end = ''] of markdown.matchAll(/([^\n\r]*)(\r\n|\r|\n|$)/g)) {
    const [, signs = '', info = ''] = /^[ \t]*(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (fence !== undefined) {
      if (signs.startsWith(fence) && info.trim() === '') fence = undefined;
      else written += whole;
    } else if (signs !== '' && !(signs.startsWith('`') && info.includes('`'))) fence = signs;
    else written += block(line) + end;
  }
  return written.trim() === '' ? markdown : written;
}

function block(line: string): string {
  if (/^[ \t]*(?:[-*_][ \t]*){3,}$/.test(line)) return line; // a rule between paragraphs
  return inline(line.replace(/^ {0,3}#{1,6}[ \t]+/, '').replace(/^([ \t]*)[-*+](?=[ \t])/, '$1•'));
}

/** `(u)`, `(u "title")`; one pair of brackets may stand within the address. */
const DESTINATION = String.raw`\(([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:[ \t]+"[^"]*")?[ \t]*\)`;
const LINK_END = new RegExp(String.raw`\]${DESTINATION}`, 'y');
const IMAGE = new RegExp(String.raw`!\[([^[\]]*)\]${DESTINATION}`, 'y');
const ADDRESS = /<([a-z]{2,12}:\/\/[^\s<>]*)>/iy;
const ESCAPED = /\\([!-/:-@[-`{-~])/y;
const EMPHASIS = /\*+|_+|~+/y;
const BACKTICKS = /`+/y;
const PLAIN = /[^\\`![\]<*_~]+/y;

function inline(line: string): string {
  return /[\\`![<*_~]/.test(line) ? new LineReader(line).read() : line;
}

/** Reads one line piece by piece. What may turn out to be markup is a piece of its own until its other end is found. */
class LineReader {
  readonly #line: string;
  #at = 0;
  readonly #pieces: string[] = [];
  /** `[` that have no `]` yet: the piece, and where the text after it begins. */
  #brackets: { readonly piece: number; readonly from: number }[] = [];
  /** The last run of signs of each kind that may begin an emphasis: its piece. */
  readonly #emphases = new Map<string, number>();
  /** Where the last run of so many backticks is. */
  readonly #lastBackticks: ReadonlyMap<string, number>;

  constructor(line: string) {
    this.#line = line;
    this.#lastBackticks = new Map([...line.matchAll(/`+/g)].map(({ 0: run, index }) => [run, index]));
  }

  read(): string {
    while (this.#at < this.#line.length) this.#piece();
    return this.#pieces.join('');
  }

  #piece(): void {
    const sign = this.#line.charAt(this.#at);
    switch (sign) {
      case '\\':
        return this.#say(this.#take(ESCAPED)?.[1] ?? this.#one());
      case '<':
        return this.#say(this.#take(ADDRESS)?.[1] ?? this.#one());
      case '!':
        return this.#image();
      case '`':
        return this.#code();
      case '[':
        this.#say(this.#one());
        return void this.#brackets.push({ piece: this.#pieces.length - 1, from: this.#at });
      case ']':
        return this.#bracketEnd();
      case '*':
      case '_':
      case '~':
        return this.#emphasis();
      default:
        return this.#say(this.#take(PLAIN)?.[0] ?? this.#one());
    }
  }

  #image(): void {
    const found = this.#take(IMAGE);
    if (found === null) return this.#say(this.#one());
    const [, alt = '', address = ''] = found;
    const name = alt.replace(/ #\d+px/g, '').trim(); // without the size that QQ reads there
    this.#say(name === '' || address === '' ? name + address : `${name} (${address})`);
  }

  #code(): void {
    const from = this.#at;
    const run = this.#take(BACKTICKS)?.[0] ?? '';
    const end = (this.#lastBackticks.get(run) ?? from) > from ? this.#nextBackticks(run) : undefined;
    if (end === undefined) return this.#say(run);
    this.#say(this.#line.slice(this.#at, end));
    this.#at = end + run.length;
  }

  /** Asked only when there is one, so that no line is searched twice. */
  #nextBackticks(run: string): number | undefined {
    const runs = /`+/g;
    runs.lastIndex = this.#at;
    for (let found = runs.exec(this.#line); found !== null; found = runs.exec(this.#line))
      if (found[0] === run) return found.index;
    return undefined;
  }

  #bracketEnd(): void {
    const at = this.#at;
    const opened = this.#brackets.pop();
    const address = opened === undefined ? undefined : this.#take(LINK_END)?.[1];
    if (opened === undefined || address === undefined) return this.#say(this.#one());
    this.#brackets = []; // no link within a link
    if (at === opened.from || this.#line.slice(opened.from, opened.from + address.length + 1) === `${address}]`) {
      this.#pieces.length = opened.piece;
      this.#forget(opened.piece);
      return this.#say(address);
    }
    this.#pieces[opened.piece] = '';
    if (address !== '') this.#say(` (${address})`);
  }

  #emphasis(): void {
    const at = this.#at;
    const run = this.#take(EMPHASIS)?.[0] ?? '';
    const opened = this.#emphases.get(run);
    if (opened !== undefined && mayClose(this.#line, at, run)) {
      this.#pieces[opened] = '';
      return this.#forget(opened);
    }
    this.#say(run);
    if (mayOpen(this.#line, at, run)) this.#emphases.set(run, this.#pieces.length - 1);
  }

  /** What may have begun from this piece on has not. */
  #forget(piece: number): void {
    for (const [run, at] of this.#emphases) if (at >= piece) this.#emphases.delete(run);
  }

  #say(piece: string): void {
    this.#pieces.push(piece);
  }

  #one(): string {
    return this.#line.charAt(this.#at++);
  }

  #take(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#line);
    if (found !== null) this.#at = form.lastIndex;
    return found;
  }
}

function mayOpen(line: string, at: number, run: string): boolean {
  return isEmphasis(line, at, run) && /\S/.test(line.charAt(at + run.length));
}

function mayClose(line: string, at: number, run: string): boolean {
  return isEmphasis(line, at, run) && /\S/.test(line.charAt(at - 1));
}

/** `2*3*4` and `snake_case_name` have none. */
function isEmphasis(line: string, at: number, run: string): boolean {
  if (run.startsWith('~')) return run.length === 2;
  if (run.length > 3) return false;
  const letter = run.startsWith('_') ? /[\p{L}\p{N}]/u : /[A-Za-z0-9]/;
  const isWithinWord = letter.test(line.charAt(at - 1)) && letter.test(line.charAt(at + run.length));
  return !isWithinWord || (run.startsWith('*') && run.length > 1);
}
