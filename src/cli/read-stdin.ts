/** What was piped into a command, as text. */
import { UsageError } from '../model/errors.js';

/** Most bytes read from stdin. */
const MAX_STDIN_BYTES = 1_048_576;

/** Without the line break at its end. @throws UsageError for what is too long, or no UTF-8 */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_STDIN_BYTES)
      throw new UsageError('message.too_long', `stdin has more than ${MAX_STDIN_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(
      'message.not_text',
      'what stdin holds is not UTF-8 text',
      'convert it first, for example with `iconv -f GBK -t UTF-8`',
    );
  }
}
