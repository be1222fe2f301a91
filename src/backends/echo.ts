/** Says everything back. For first steps and tests. */
import type { Segment } from '../model/message.js';
import type { Backend, Turn } from './backend.js';

export const echo: Backend = {
  async *answer(turn: Turn): AsyncIterable<Segment> {
    yield* turn.message.segments;
  },
};
