/** Reading what the platform answers: bounded, and JSON only where it is JSON. */
import type { Dispatcher } from 'undici';

export type JsonObject = { readonly [key: string]: unknown };

/**
 * The body as a JSON object, an empty one for no body at all; undefined when it is anything else (HTML of a proxy).
 * @throws Error when it is longer than `maxBytes`, or when the connection breaks.
 */
export async function readBody(response: Dispatcher.ResponseData, maxBytes: number): Promise<JsonObject | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`); // leaving the loop cuts the connection
    chunks.push(chunk);
  }
  return asJsonObject(Buffer.concat(chunks).toString('utf8'));
}

function asJsonObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined; // the caller tells by the HTTP status what it was
  }
}
