/** How the openai package reaches the network: with the headers of this file alone, without time limits of its own, and reading no more than fits. */
import { Agent, fetch, type RequestInit, Response } from 'undici';

/** Longest event of a stream: a word and what stands around it takes some hundred. */
const MAX_EVENT_CHARS = 1024 * 1024;
/** Longest error that is read. */
const MAX_ERROR_BYTES = 64 * 1024;

/** What came is not a stream of events, or one that nobody would read. */
export class BadStream extends Error {}

/** The relay's signal is the only deadline: a model on a small machine may think for long. */
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** `apiKey`: undefined where none is sent. */
export function openaiFetch(apiKey: string | undefined): typeof globalThis.fetch {
  // The package would add headers of its own, and those of an environment variable.
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  const limited = async (url: string, init: RequestInit): Promise<Response> => {
    const { method = 'GET', body = null, signal = null } = init;
    // Nobody else than whoever is configured gets to read messages, so no redirect is followed.
    const answer = await fetch(url, { method, body, signal, headers, redirect: 'manual', dispatcher });
    const isStream = /^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? '');
    if (answer.ok && !isStream) {
      await answer.body?.cancel();
      throw new BadStream('it answered with something else than a stream of events');
    }
    const limit = answer.ok ? dataAlone() : atMost(MAX_ERROR_BYTES);
    const { status, statusText, headers: answered } = answer;
    const read = answer.body === null ? null : answer.body.pipeThrough(limit);
    return new Response(read, { status, statusText, headers: answered });
  };
  return limited as unknown as typeof globalThis.fetch;
}

function atMost(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let size = 0;
  return new TransformStream({
    transform(chunk, to) {
      size += chunk.length;
      if (size > bytes) to.error(new BadStream(`it answered with more than ${bytes} bytes`));
      else to.enqueue(chunk);
    },
  });
}

/** Only the `data` of events of bounded length: comments are gathered by the package, and some events printed. */
function dataAlone(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let line = '';
  let size = 0;
  return new TransformStream({
    transform(chunk, to) {
      const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
      line += first;
      size += first.length;
      for (const next of others) {
        if (line.startsWith('data:')) to.enqueue(encoder.encode(`${line}\n`));
        else if (line === '' || line === '\r') {
          to.enqueue(encoder.encode('\n'));
          size = 0;
        }
        line = next;
        size += next.length;
      }
      if (size > MAX_EVENT_CHARS)
        to.error(new BadStream(`it streamed an event of more than ${MAX_EVENT_CHARS} characters`));
    },
  });
}
