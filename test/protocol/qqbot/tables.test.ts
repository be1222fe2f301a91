import { expect, test } from 'vitest';
import { PLATFORM_ERRORS, TOKEN_ENDPOINT_ERRORS } from '../../../src/protocol/qqbot/error-codes.js';
import {
  CLOSE_REACTIONS,
  INTENT_BITS,
  INTENT_NAMES,
  intentMask,
  OP,
} from '../../../src/protocol/qqbot/gateway-codes.js';

test('the opcodes are the ones of the gateway', () => {
  expect(Object.values(OP)).toEqual([0, 1, 2, 6, 7, 9, 10, 11, 12, 13]);
});

test('the intents have the bits that the platform gave them', () => {
  const full = [
    'guilds',
    'guild_members',
    'direct_message',
    'group_and_c2c',
    'interaction',
    'public_guild_messages',
  ] as const;
  expect(intentMask(full)).toBe(1_174_409_219); // what the official Node SDK asks for
  expect(intentMask([...full, 'group_member_event'])).toBe(1_191_186_435);
  expect(intentMask(['group_and_c2c', 'group_and_c2c'])).toBe(33_554_432);
  expect(intentMask([])).toBe(0);
  expect(intentMask(INTENT_NAMES)).toBeGreaterThan(0);
  expect(new Set(Object.values(INTENT_BITS)).size).toBe(INTENT_NAMES.length);
});

test('every close code that stops an account says what an operator can do', () => {
  const silent = Object.entries(CLOSE_REACTIONS).filter(([, { next, remedy }]) => next === 'stop' && !remedy);
  expect(silent).toEqual([]);
});

test('every error that only an operator can mend says how', () => {
  const all = Object.entries({ ...PLATFORM_ERRORS, ...TOKEN_ENDPOINT_ERRORS });
  const silent = all.filter(
    ([, meaning]) => ['whitelist', 'credentials', 'active'].includes(meaning.class) && !meaning.remedy,
  );
  expect(silent).toEqual([]);
});

test.for([
  ['token', [11241, 11242, 11243, 11244]],
  ['whitelist', [11298, 40023002]],
  ['credentials', [11251, 11261, 11265, 11275, 100007, 100016]],
  ['window', [40034005, 40034024, 40034025, 40034026, 40034027, 40034128, 304026, 304027, 304028, 304103]],
  ['duplicate', [40054005]],
  ['rate', [100001, 20028, 22009, 1100100, 1100308, 40034100]],
  ['transient', [11252, 11263, 11281, 304007, 304008, 304009, 1100300, 40054006, 50055001, 50055002, 50055006]],
  ['active', [40034102, 40034105, 40034106, 40034108, 40034109, 40034124, 40034127, 40054013]],
] as const)('the codes of class %s are those of the fact sheet', ([kind, codes]) => {
  const told = Object.entries(PLATFORM_ERRORS).flatMap(([code, meaning]) =>
    meaning.class === kind ? [Number(code)] : [],
  );
  expect(told.sort((a, b) => a - b)).toEqual([...codes].sort((a, b) => a - b));
});
