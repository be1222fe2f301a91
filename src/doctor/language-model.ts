/** The server of a language model: whether it answers, takes the key, and knows the model. Nothing is generated, so it costs nothing. */
import { request } from 'undici';
import type { OpenaiBackendConfig } from '../config/config.js';
import { describeError } from '../model/errors.js';
import type { Finding } from './finding.js';

const TIMEOUT_MS = 10_000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;

type Result = Omit<Finding, 'name'>;

export async function checkLanguageModel(backend: OpenaiBackendConfig, isOffline: boolean): Promise<Result> {
  const { baseUrl, model, apiKey } = backend;
  const keys = `backends.${backend.name}`;
  if (apiKey?.ok === false) return { level: 'fail', detail: apiKey.why, remedy: `correct ${keys}.api_key` };
  if (isOffline) return { level: 'ok', detail: `${model} at ${baseUrl} (not tried)` };
  const list = await listed(`${baseUrl}/models`, apiKey?.value).catch((error: unknown) => describeError(error));
  if (typeof list === 'string') {
    const remedy = `start its server, or correct ${keys}.base_url`;
    return { level: 'fail', detail: `${baseUrl} does not answer: ${list}`, remedy };
  }
  const { status, models } = list;
  if (status === 401 || status === 403) {
    const detail = `${baseUrl} ${apiKey === undefined ? 'wants an API key' : 'refused the API key'} (HTTP ${status})`;
    const remedy = `${apiKey === undefined ? 'set' : 'correct'} ${keys}.api_key, api_key_env or api_key_file`;
    return { level: 'fail', detail, remedy };
  }
  if (models === undefined) {
    const detail = `${baseUrl}/models gave no list of models (HTTP ${status})`;
    return { level: 'warn', detail, remedy: `mostly base_url ends with /v1: check ${keys}.base_url` };
  }
  // Some servers leave out the tag where it is `latest`.
  if (models.some((id) => id === model || id === `${model}:latest`))
    return { level: 'ok', detail: `${model} at ${baseUrl}` };
  const some = models.slice(0, 5).map((id) => `\`${id.slice(0, 60)}\``);
  const there = some.length === 0 ? 'it lists none' : `it lists ${some.join(', ')}${models.length > 5 ? ', …' : ''}`;
  const remedy = `correct ${keys}.model, unless that server does not list all it has`;
  return { level: 'warn', detail: `${baseUrl} does not list the model \`${model}\`: ${there}`, remedy };
}

async function listed(
  url: string,
  apiKey: string | undefined,
): Promise<{ readonly status: number; readonly models: readonly string[] | undefined }> {
  const { statusCode: status, body } = await request(url, {
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_LIST_BYTES) return { status, models: undefined };
    chunks.push(chunk);
  }
  return { status, models: status === 200 ? idsIn(Buffer.concat(chunks).toString('utf8')) : undefined };
}

function idsIn(text: string): readonly string[] | undefined {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    if (!Array.isArray(data)) return undefined;
    return data.map((entry: { id?: unknown } | null) => entry?.id).filter((id) => typeof id === 'string');
  } catch {
    return undefined;
  }
}
