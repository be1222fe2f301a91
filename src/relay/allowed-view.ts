/** What is seen of an answer that is being made, only while its peer is let in: who is let in no more is shown no more of it. */
import type { AllowedPeers } from '../access/allowed-peers.js';
import type { AnswerView } from '../lanes/lane.js';
import type { Target } from '../model/target.js';

export function allowedView(view: AnswerView, { kind, peer }: Target, allowed: AllowedPeers): AnswerView {
  return {
    show(answer) {
      if (allowed.has(kind, peer)) view.show(answer);
    },
    hand: () => view.hand(),
    abandon: () => view.abandon(),
  };
}
