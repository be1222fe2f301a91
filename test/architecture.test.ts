/** The shape of the house: which room may use which, no circles, and the few other rules that a machine can hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Room → rooms it may import besides itself. A concrete part is named as `room/file`. */
const MAY_IMPORT: { readonly [room: string]: readonly string[] } = {
  model: [],
  protocol: [],
  telemetry: ['model'],
  config: ['model', 'protocol', 'telemetry'],
  store: ['model'],
  http: ['config/config', 'model'],
  supervisor: ['model', 'telemetry'],
  access: ['config/config', 'model', 'telemetry'],
  backends: ['config/config', 'http', 'model', 'protocol', 'telemetry'],
  lanes: ['config/config', 'http', 'model', 'protocol', 'telemetry'],
  sandbox: ['http', 'model', 'protocol'],
  relay: ['access', 'backends/backend', 'config/config', 'lanes/lane', 'model', 'store/store', 'telemetry'],
  control: [
    'http',
    'model',
    'relay/outbound',
    'relay/pairing-desk',
    'relay/settlements',
    'relay/whole-message',
    'store/owner',
    'store/store',
    'supervisor',
    'telemetry',
  ],
  doctor: ['access', 'config/config', 'control/api', 'http', 'lanes/lane', 'model', 'store'],
  daemon: [
    'access',
    'backends',
    'config',
    'control',
    'http',
    'lanes',
    'model',
    'protocol',
    'relay',
    'store',
    'supervisor',
    'telemetry',
  ],
  index: ['config', 'control', 'model', 'protocol'],
  cli: [
    'access',
    'config',
    'control',
    'daemon',
    'doctor',
    'model',
    'protocol',
    'relay/outbound',
    'sandbox',
    'relay/pairing-desk',
    'store/pairing-reader',
    'store/queue-reader',
    'store/received-reader',
    'store/state-dir',
    'store/store',
    'telemetry',
  ],
};

/** Only the composition root knows these. */
const FOR_DAEMON_ALONE = [
  'store/sqlite/',
  'lanes/qqbot/',
  'lanes/onebot/',
  'backends/echo',
  'backends/exec-command',
  'backends/http-webhook',
  'backends/openai-chat',
];

interface Source {
  /** Path below src without its ending: `relay/delivery`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map((match) => match[1] ?? '');
    const imports = specifiers.map((specifier) =>
      relative(SRC, normalize(join(SRC, dirname(file), specifier))).replace(/\.js$/, ''),
    );
    return { path: file.replace(/\.ts$/, ''), text, imports };
  });

function roomOf(path: string): string {
  return path.split('/')[0] ?? path;
}

test('every room imports only what stands below it', () => {
  const broken = sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => {
        const room = roomOf(path);
        if (roomOf(target) === room) return false;
        return !(MAY_IMPORT[room] ?? []).some(
          (allowed) => target === allowed || target.startsWith(`${allowed}/`) || roomOf(target) === allowed,
        );
      })
      .map((target) => `${path} → ${target}`),
  );
  expect(sources.length).toBeGreaterThan(50);
  expect(broken).toEqual([]);
});

test('no lane knows another lane, and only the composition root knows concrete parts', () => {
  const broken = sources
    .filter(({ path }) => roomOf(path) !== 'daemon')
    .flatMap(({ path, imports }) =>
      imports
        .filter((target) => FOR_DAEMON_ALONE.some((part) => target.startsWith(part) && !path.startsWith(dirname(part))))
        .map((target) => `${path} → ${target}`),
    );
  expect(broken).toEqual([]);
});

test('there is no import circle', () => {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  expect(circles).toEqual([]);
});

test('the process is touched only at its edge', () => {
  const edge = (path: string) => path.startsWith('cli/') || path === 'index' || path === 'config/read-config';
  const touching = sources.filter(
    ({ path, text }) =>
      !edge(path) && /process\.(env|exit)\b|\bconsole\./.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
  );
  expect(touching.map(({ path }) => path)).toEqual([]);
});

test('a long file is looked at', () => {
  for (const { path, text } of sources) {
    const lines = text.split('\n').length;
    if (lines > 350) process.stdout.write(`note: src/${path}.ts has ${lines} lines: is it still one noun?\n`);
  }
  expect(sources.every(({ text }) => text.startsWith('/**') || text.startsWith('#!'))).toBe(true);
});
