/** What of an answer is seen before it is whole, on a real platform: which pieces go out, and what becomes of them. */
import { describe, expect, test } from 'vitest';
import type { AnswerView, Delivery } from '../../../src/lanes/lane.js';
import { DeliveryError } from '../../../src/model/errors.js';
import type { InboundMessage, Segment } from '../../../src/model/message.js';
import type { MessageId } from '../../../src/model/target.js';
import type { FaultOrder } from '../../../src/sandbox/faults.js';
import type { Sandbox } from '../../../src/sandbox/sandbox.js';
import type { BotStream } from '../../../src/sandbox/transcript.js';
import { inbound, target } from '../../support/messages.js';
import { sends } from '../../support/transcript.js';
import { waitUntil } from '../../support/wait-until.js';
import { LaneUnderTest, openSandbox } from './support/lane-under-test.js';

const STREAM = { everyMs: 1, maxChars: 200 };
const PATH = '/v2/users/*/stream_messages';
const STORY = 'Once upon a time there was a cat that lived by the river.';

interface Stage {
  readonly sandbox: Sandbox;
  readonly loong: LaneUnderTest;
  readonly message: InboundMessage;
  readonly view: AnswerView;
}

async function stage(options: object = {}): Promise<Stage> {
  const sandbox = await openSandbox();
  const loong = new LaneUnderTest(sandbox, undefined, { stream: STREAM, ...options });
  const message = asked(sandbox);
  const view = loong.lane.view(message, 1);
  if (view === undefined) throw new Error('nothing is shown');
  return { sandbox, loong, message, view };
}

function asked(sandbox: Sandbox, more: Partial<InboundMessage> = {}): InboundMessage {
  const { id } = sandbox.platform.say({ from: 'openid_alice', text: 'a story' });
  return inbound(id, 'openid_alice', { id: id as MessageId, ...more });
}

function fault(sandbox: Sandbox, more: object): void {
  const usual = { kind: 'rest', path: PATH, times: 1, skip: 0, accept: false, burn: false, hidden: false };
  sandbox.platform.fault({ ...usual, ...more } as FaultOrder);
}

const pieces = (sandbox: Sandbox) =>
  sandbox.platform.transcript
    .since(0)
    .filter((entry): entry is typeof entry & BotStream => entry.kind === 'bot.stream');
const shown = (sandbox: Sandbox) =>
  pieces(sandbox)
    .filter(({ accepted }) => accepted)
    .at(-1);
const says = (markdown: string): Segment[] => [{ type: 'markdown', markdown }];

/** Shows `answer`, and waits for its piece. */
async function show({ sandbox, view }: Stage, answer: readonly Segment[]): Promise<void> {
  const before = pieces(sandbox).length;
  view.show(answer);
  await waitUntil('a piece', () => pieces(sandbox).length > before);
}

/** The answer, as the outbox hands it to the lane. */
function delivery({ message }: Stage, segments: readonly Segment[], attempts = 1): Delivery {
  const passive = { token: { kind: 'msg_id', value: message.id }, seq: 1 } as const;
  return { target: message.conversation, segments, passive, attempts };
}

const never = () => new AbortController().signal;

describe('what is shown', () => {
  test('is a beginning of what will be sent, without what may still change', async () => {
    const on = await stage();
    const { sandbox, view } = on;
    await show(on, says(`${STORY} <`));
    await show(on, says(`${STORY} <@everyone> is said to no one. 🐈🐈🐈🐈🐈🐈🐈🐈🐈🐈🐈`));
    await view.hand();
    for (const { text, accepted } of pieces(sandbox)) {
      expect(accepted).toBe(true);
      expect(Buffer.from(text).toString()).toBe(text); // no half of a character
      expect(text).not.toContain('<@');
    }
    expect(shown(sandbox)?.text).toContain(`${STORY} ＜@everyone`);
  });

  test('ends where a first part may end', async () => {
    const on = await stage();
    await show(on, says('x'.repeat(1000)));
    await on.view.hand();
    expect(shown(on.sandbox)?.text).toBe('x'.repeat(200));
  });

  test('is nothing where the answer is whole at once', async () => {
    const { sandbox, view } = await stage({ stream: { everyMs: 60_000, maxChars: 200 } });
    view.show(says(STORY));
    expect(await view.hand()).toEqual({ isLost: false });
    expect(pieces(sandbox)).toEqual([]);
  });

  test('stays when there is no answer, and grows no more', async () => {
    const on = await stage();
    await show(on, says(STORY));
    await on.view.abandon();
    on.view.show(says(`${STORY} And so on, and so on, and so on.`));
    expect(shown(on.sandbox)).toMatchObject({ finished: true });
    expect(STORY).toContain(shown(on.sandbox)?.text);
  });

  test('ends with a piece that is no continuation, and the answer is a message of its own', async () => {
    const on = await stage();
    await show(on, says(STORY));
    on.view.show(says(`Twice upon a time. ${STORY}`));
    await waitUntil('the end', () => shown(on.sandbox)?.finished === true);
    expect(await on.view.hand()).toEqual({ isLost: true });
  });

  test.each([{ drop: 'before' }, { drop: 'after' }, { status: 500 }, { code: 40034090 }])(
    'is left alone where its first piece meets %j',
    async (how) => {
      const on = await stage();
      fault(on.sandbox, how);
      await show(on, says(STORY));
      // A refusal is certain: nobody sees it.
      expect(await on.view.hand()).toEqual({ isLost: !('code' in how) });
      expect(pieces(on.sandbox)).toHaveLength(1);
    },
  );

  test('goes on behind a later piece that got lost', async () => {
    const on = await stage();
    await show(on, says(STORY));
    await waitUntil('its id', () => shown(on.sandbox) !== undefined);
    fault(on.sandbox, { drop: 'after' });
    await show(on, says(STORY + STORY));
    await show(on, says(STORY + STORY + STORY));
    const { segment: stream } = await on.view.hand();
    expect(stream).toMatchObject({ type: 'native', data: { message: on.message.id, index: 3 } });
    expect(pieces(on.sandbox).map(({ index }) => index)).toEqual([0, 1, 2]);
  });
});

test('nothing is shown of answers in groups, to old messages, in later attempts, as plain text, or where it would take the only reply', async () => {
  const sandbox = await openSandbox();
  const { lane } = new LaneUnderTest(sandbox, undefined, { stream: STREAM });
  expect(lane.view(asked(sandbox), 1)).toBeDefined();
  expect(lane.view(asked(sandbox), 2)).toBeUndefined();
  expect(lane.view(asked(sandbox, { sentAt: Date.now() - 180_000 }), 1)).toBeUndefined();
  expect(lane.view(asked(sandbox, { conversation: target('group_demo', 'group') }), 1)).toBeUndefined();
  const view = (options: object) => new LaneUnderTest(sandbox, undefined, options).lane.view(asked(sandbox), 1);
  expect(view({})).toBeUndefined();
  expect(view({ stream: STREAM, markdown: 'never' })).toBeUndefined();
  const right = { ttlMs: 3_600_000, count: 1 };
  expect(view({ stream: STREAM, replyRights: { c2c: right, group: right, channel: right } })).toBeUndefined();
});

describe('the whole answer', () => {
  async function handed(): Promise<Stage & { readonly answer: readonly Segment[] }> {
    const on = await stage();
    await show(on, says(STORY));
    const { segment: stream } = await on.view.hand();
    if (stream === undefined) throw new Error('no stream');
    return { ...on, answer: [stream, ...says(`${STORY} The end.`)] };
  }

  test('becomes the message that grew, which is finished once that is written down', async () => {
    const on = await handed();
    const whole = delivery(on, on.answer);
    const { platformMessageId } = await on.loong.lane.send(whole, never());
    expect(shown(on.sandbox)).toMatchObject({ id: platformMessageId, text: `${STORY} The end.`, finished: false });
    on.loong.lane.written(whole, platformMessageId);
    await waitUntil('the end', () => shown(on.sandbox)?.finished === true);
    expect(sends(on.sandbox)).toEqual([]);
  });

  test('may be sent again and again, and is the same message', async () => {
    const on = await handed();
    for (const attempt of [1, 2, 3]) await on.loong.lane.send(delivery(on, on.answer, attempt), never());
    expect(pieces(on.sandbox).every(({ accepted }) => accepted)).toBe(true);
    expect(sends(on.sandbox)).toEqual([]);
  });

  test('with an unknown end is tried again; after five attempts it is a message of its own', async () => {
    const on = await handed();
    fault(on.sandbox, { status: 500, times: 'always' });
    for (const attempt of [1, 4]) {
      const error: unknown = await on.loong.lane
        .send(delivery(on, on.answer, attempt), never())
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(DeliveryError);
      expect(error).toMatchObject({ failure: 'unavailable', certainty: 'unknown' });
    }
    await on.loong.lane.send(delivery(on, on.answer, 5), never());
    expect(sends(on.sandbox)).toMatchObject([{ text: `${STORY} The end.`, accepted: true, msg_seq: 1 }]);
  });

  test('that went out as a message does not grow into the stream as well', async () => {
    const on = await handed();
    fault(on.sandbox, { code: 40007 });
    const whole = delivery(on, on.answer);
    const { platformMessageId } = await on.loong.lane.send(whole, never());
    on.loong.lane.written(whole, platformMessageId);
    await on.loong.send('c2c:openid_alice', 'later');
    expect(sends(on.sandbox).map(({ text }) => text)).toEqual([`${STORY} The end.`, 'later']);
    expect(shown(on.sandbox)?.text).not.toContain('The end.');
  });

  test('as a reply to another message is none of the stream’s', async () => {
    const on = await handed();
    const other = asked(on.sandbox);
    await on.loong.lane.send(delivery({ ...on, message: other }, on.answer), never());
    expect(sends(on.sandbox)).toMatchObject([{ text: `${STORY} The end.`, msg_id: other.id }]);
  });
});
