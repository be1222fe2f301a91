/** `.handle_quick_operation`: an event and what to do about it in one call, as far as each implementation does it. */
import type { Action, Actions, Call } from './action.js';
import { Params } from './params.js';
import { readMessage } from './read-message.js';
import { Refusal } from './refusal.js';
import type { Segment } from './segment.js';

/** @param actions what the operations stand for. */
export const quickOperation = (actions: Actions): Action => ({ run: (call) => operate(call, actions) });

function operate(call: Call, actions: Actions): null {
  const context = new Params(call.params.raw.context);
  const operation = new Params(call.params.raw.operation);
  for (const [name, params] of steps(call, context, operation)) {
    try {
      actions[name]?.run({ ...call, action: name, params: new Params(params) });
    } catch (error) {
      // NapCat answers "ok" whatever came of it.
      if (!(error instanceof Refusal) || call.account.facts.flavour !== 'napcat') throw error;
    }
  }
  return null;
}

type Step = readonly [action: string, params: { readonly [key: string]: unknown }];

function steps(call: Call, context: Params, operation: Params): readonly Step[] {
  if (context.raw.post_type === 'request') return requestSteps(context, operation);
  return [
    ...replySteps(context, operation),
    ...(call.account.facts.flavour === 'napcat' ? [] : ruleSteps(context, operation)),
  ];
}

function requestSteps({ raw }: Params, operation: Params): readonly Step[] {
  if (operation.raw.approve === undefined) return [];
  const answer = { flag: raw.flag, approve: operation.flag('approve', false) };
  if (raw.request_type === 'friend') return [['set_friend_add_request', { ...answer, remark: operation.raw.remark }]];
  return [['set_group_add_request', { ...answer, sub_type: raw.sub_type, reason: operation.raw.reason }]];
}

function replySteps(context: Params, operation: Params): readonly Step[] {
  const { message_type, user_id, group_id, message_id } = context.raw;
  if (operation.raw.reply === undefined) return [];
  const body = readMessage(operation.raw.reply, operation.flag('auto_escape', false));
  if (message_type !== 'group') return [['send_private_msg', { user_id, message: body }]];
  const quote: Segment = { type: 'reply', data: { id: String(message_id) } };
  const at: readonly Segment[] = operation.flag('at_sender', false)
    ? [{ type: 'at', data: { qq: String(user_id) } }]
    : [];
  return [['send_group_msg', { group_id, message: [quote, ...at, ...body] }]];
}

function ruleSteps(context: Params, operation: Params): readonly Step[] {
  const { user_id, group_id, message_id } = context.raw;
  const seconds = operation.number('ban_duration', 1800);
  return [
    ...(operation.flag('delete', false) ? [['delete_msg', { message_id }] as const] : []),
    ...(operation.flag('kick', false) ? [['set_group_kick', { group_id, user_id }] as const] : []),
    ...(operation.flag('ban', false) ? [['set_group_ban', { group_id, user_id, duration: seconds }] as const] : []),
  ];
}
