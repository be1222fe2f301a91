import { expect, test } from 'vitest';
import {
  meaningOfCode,
  PLATFORM_ERRORS,
  STATUS_ERRORS,
  TAKEN_FOR_REVIEW,
  TOKEN_ENDPOINT_ERRORS,
} from '../../../src/protocol/qqbot/error-codes.js';
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

test('every error says why, and what an operator can do about it, each in one short line', () => {
  const all = [PLATFORM_ERRORS, TOKEN_ENDPOINT_ERRORS, STATUS_ERRORS].flatMap((table) => Object.entries(table));
  const unclear = all.filter(
    ([, { cause, remedy }]) => cause === '' || remedy === '' || /\n|\.$/.test(cause + remedy) || remedy.length > 150,
  );
  expect(unclear).toEqual([]);
  expect(all.length).toBeGreaterThan(190);
});

test.for([
  ['token', [11241, 11242, 11243, 11244]],
  ['whitelist', [11298, 40023002]],
  ['credentials', [11251, 11261, 11265, 11275, 100007, 100016]],
  ['window', [40034005, 40034024, 40034025, 40034026, 40034027, 40034128, 304026, 304027, 304028, 304103]],
  ['duplicate', [40054005]],
  ['crowd', [22009]],
  [
    'markdown',
    [
      22006, 50055, 50056, 50057, 50059, 304004, 304011, 304012, 304014, 304036, 304037, 40034008, 40034009, 40034010,
      40034011, 40034090,
    ],
  ],
  ['links', [304003, 40054010]],
  ['rate', [100001, 20028, 304052, 620006, 1100100, 1100308, 40034100]],
  [
    'transient',
    [
      11252, 11263, 11281, 304007, 304008, 304009, 304010, 304017, 304018, 304021, 304029, 304082, 304083, 306003,
      306005, 306006, 501002, 501003, 501004, 501006, 501007, 501011, 501012, 620007, 630004, 630005, 1100300, 40034004,
      40054006, 40093001, 50055001, 50055002, 50055006, 50065001,
    ],
  ],
  ['active', [40034102, 40034105, 40034106, 40034108, 40034109, 40034124, 40034127, 40054013]],
] as const)('the codes of class %s are those of the fact sheet', ([kind, codes]) => {
  const told = Object.entries(PLATFORM_ERRORS).flatMap(([code, meaning]) =>
    meaning.class === kind ? [Number(code)] : [],
  );
  expect(told.sort((a, b) => a - b)).toEqual([...codes].sort((a, b) => a - b));
});

test('a message that is reviewed first was taken, and is no error', () => {
  expect([...TAKEN_FOR_REVIEW]).toEqual([304023, 304024]);
  expect([...TAKEN_FOR_REVIEW].filter((code) => PLATFORM_ERRORS[code] !== undefined)).toEqual([]);
});

test('the codes of the fact sheet have a meaning, also those of a family', () => {
  const listed = [
    11241, 11254, 11264, 11274, 11282, 11262, 11273, 22006, 50059, 304003, 40054010, 304004, 304005, 304011, 304012,
    304014, 304016, 304018, 304019, 304020, 304022, 304025, 40034006, 304030, 304031, 304032, 304033, 304034, 304035,
    304045, 304047, 304046, 304048, 304049, 304050, 304036, 304037, 304038, 304039, 304040, 304044, 304051, 304061,
    304062, 304064, 304080, 305007, 340067, 340069, 40034008, 40034009, 40034010, 40034011, 40034029, 40034090,
    40034101, 40034122, 40034123, 40054002, 40054003, 40054004, 40054007, 40054016, 40054018, 1100101, 1100103, 1100104,
    1100301, 1100306, 1100303, 1100304, 1100307, 50006, 50035, 50037, 50040, 50041, 50042, 50054, 50045, 50046, 50047,
    50049, 50050, 50051, 50052, 50053, 50055, 50056, 50057, 3300006, 10001, 10003, 10004, 12001, 12002, 40011000,
    40030007, 301001, 302999, 501001, 502001, 503001, 504001, 610001, 620001, 620003, 620004, 630001, 630003, 630008,
    850018, 850019, 40034002, 850026, 40034001, 850027, 850031, 10000, 304082, 304083, 40034004, 40093001, 40093002,
    40061001, 40061002, 40062003, 40064004, 50065001, 306001, 306011,
  ];
  expect(listed.filter((code) => meaningOfCode(code) === undefined)).toEqual([]);
  expect([0, 1, 300999, 303000, 306012, 630009, 40031000, 99999999].filter((code) => meaningOfCode(code))).toEqual([]);
});

test('a number of its own goes before its family', () => {
  expect([501002, 501001, 306003, 306001].map((code) => meaningOfCode(code)?.class)).toEqual([
    'transient',
    'refused',
    'transient',
    'refused',
  ]);
});
