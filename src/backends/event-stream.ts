/** Server-sent events, of which only the data is of interest. Source: HTML standard, "Interpreting an event stream". */

/** The data of each event, its lines joined; also of one that the stream ends with. The pieces of text may be cut anywhere. */
export async function* eventData(pieces: AsyncIterable<string>): AsyncIterable<string> {
  let line = '';
  let data: string[] = [];
  let endedWithCr = false;
  for await (const piece of pieces) {
    if (piece === '') continue;
    const text = endedWithCr && piece.startsWith('\n') ? piece.slice(1) : piece;
    endedWithCr = piece.endsWith('\r');
    const [rest = '', ...begun] = text.split(/\r\n|\n|\r/);
    line += rest;
    for (const next of begun) {
      if (line !== '') data.push(...dataOf(line));
      else if (data.length > 0) {
        yield data.join('\n');
        data = [];
      }
      line = next;
    }
  }
  data.push(...dataOf(line));
  if (data.length > 0) yield data.join('\n');
}

/** Nothing for a comment, and for the other fields. */
function dataOf(line: string): readonly string[] {
  const found = /^data(?:: ?(.*))?$/s.exec(line);
  return found === null ? [] : [found[1] ?? ''];
}
