/** Every call that the pretend implementations understand, and how a name finds its action. */
import type { Action, Actions } from './action.js';
import { fileActions } from './file-actions.js';
import type { FlavourFacts } from './flavours.js';
import { groupActions } from './group-actions.js';
import { infoActions } from './info-actions.js';
import { messagingActions } from './messaging-actions.js';
import { quickOperation } from './quick-operation.js';
import { requestActions } from './request-actions.js';

const OPEN: Actions = { ...messagingActions, ...infoActions, ...groupActions, ...requestActions, ...fileActions };
const ACTIONS: Actions = { ...OPEN, '.handle_quick_operation': quickOperation(OPEN) };

/** @returns undefined for a name that this implementation does not know. */
export function findAction(
  facts: FlavourFacts,
  called: string,
): { readonly name: string; readonly action: Action } | undefined {
  const ending = facts.suffixes.find((suffix) => called.endsWith(suffix));
  const name = ending === undefined ? called : called.slice(0, -ending.length);
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined || action.only?.includes(facts.flavour) === false) return undefined;
  return { name, action };
}
