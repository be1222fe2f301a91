/** Changing a TOML file in place: all that is not meant stays to the last character, or nothing is changed at all. */
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { editToml, type TomlValue } from '../../src/config/edit-toml.js';

const set = (key: string, value: TomlValue | undefined) => ({ table: ['qqbot'] as [string], key, value });

describe('in place', () => {
  test.each([
    ['a new table', '', set('a', 1), '[qqbot]\na = 1\n'],
    ['a new table behind others', '[log]\nx = 1\n\n\n', set('a', 'b'), '[log]\nx = 1\n\n[qqbot]\na = "b"\n'],
    [
      'a new key before the blank lines',
      '[qqbot]\n# why\nb = 1 # b\n\n# next\n[log]\n',
      set('a', true),
      '[qqbot]\n# why\nb = 1 # b\na = true\n\n# next\n[log]\n',
    ],
    [
      'a value with its comment',
      '[qqbot]\n  a   = "x # y"   # mine\n',
      set('a', 'z'),
      '[qqbot]\n  a   = "z"   # mine\n',
    ],
    ['a list', '[qqbot]\na = [ \'x\', "y" ] # mine\n', set('a', ['z']), '[qqbot]\na = [ "z" ] # mine\n'],
    ['away with it', '[qqbot]\na = 1\nb = 2\n', set('a', undefined), '[qqbot]\nb = 2\n'],
    ['nothing to take away', '[log]\n', set('a', undefined), '[log]\n'],
    ['a header in other dress', '[ "qqbot" ] # bot\na = 1\n', set('a', 2), '[ "qqbot" ] # bot\na = 2\n'],
    [
      'only in its own table',
      '[qqbot]\n[qqbot.accounts.x]\na = 1\n',
      set('a', 2),
      '[qqbot]\na = 2\n[qqbot.accounts.x]\na = 1\n',
    ],
    ['line ends of Windows', '[qqbot]\r\na = 1\r\n', set('a', 2), '[qqbot]\r\na = 2\r\n'],
    [
      'a text that is hard to write',
      '[qqbot]\na = 1\n',
      set('a', 'C:\\x "y"\n'),
      '[qqbot]\na = "C:\\\\x \\"y\\"\\n"\n',
    ],
  ])('%s', (_, text, edit, expected) => {
    expect(editToml(text, [edit])).toBe(expected);
  });

  test('a table of two names', () => {
    const edits = ['type', 'url'].map((key) => ({
      table: ['backends', 'default'] as [string, string],
      key,
      value: key,
    }));
    expect(editToml('', edits)).toBe('[backends.default]\ntype = "type"\nurl = "url"\n');
  });
});

test.each([
  ['dotted keys', 'qqbot.a = 1\n'],
  ['an inline table', 'qqbot = { a = 1 }\n'],
  ['a text of several lines', '[qqbot]\na = """\nx"""\n'],
  ['a list of several lines', '[qqbot]\na = [\n  1,\n]\n'],
  ['a nested list', '[qqbot]\na = [[1], [2]]\n'],
  ['a header within a text', 'x = """\n[qqbot]\n"""\n[qqbot]\n"a" = 1\n'],
])('is not tried with %s', (_, text) => {
  expect(editToml(text, [set('a', 2)])).toBe(undefined);
});

test('whatever it returns means what was asked for, and keeps every other line', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const line = fc.oneof(
    fc
      .tuple(key, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string())))
      .map(([k, v]) => `${k} = ${JSON.stringify(v)}`),
    fc.constantFrom(
      '# a = 1',
      '',
      '[qqbot]',
      '[log]',
      '[qqbot.x]',
      'd = """',
      '"""',
      "e = '''",
      "'''",
      'f = [',
      ']',
      'a = { b = 1 }',
      'a.b = 1',
      '"a" = 1',
    ),
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.string()),
    fc.constant(undefined),
  );
  let edited = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), key, value, (lines, name, wanted) => {
      const text = lines.join('\n');
      let before: Record<string, Record<string, unknown>>;
      try {
        before = parse(text) as never;
      } catch {
        return;
      }
      const after = editToml(text, [set(name, wanted)]);
      if (after === undefined) return;
      edited++;
      const meant: Record<string, unknown> = {
        ...before,
        ...(wanted === undefined && before.qqbot === undefined ? {} : { qqbot: { ...before.qqbot } }),
      };
      if (meant.qqbot !== undefined) {
        const table = meant.qqbot as Record<string, unknown>;
        if (wanted === undefined) delete table[name];
        else table[name] = wanted;
      }
      expect({ ...parse(after) }).toEqual(meant);
      const kept = lines.filter((one) => one !== '' && !one.startsWith(`${name} =`));
      expect(kept.every((one) => after.includes(one))).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(edited).toBeGreaterThan(300);
});
