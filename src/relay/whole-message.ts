/** What became of a message of several parts, taken together. */
import type { Outgoing, OutgoingStatus } from '../store/store.js';

/** The first of these that a part has is the status of the message. */
const WEIGHT: readonly OutgoingStatus[] = ['failed', 'uncertain', 'sending', 'queued', 'parked', 'delivered'];

/** `parts` is not empty. */
export function statusOf(parts: readonly Outgoing[]): OutgoingStatus {
  return WEIGHT.find((status) => parts.some((part) => part.status === status)) ?? 'queued';
}

/** How many parts arrived for certain. */
export function partsDelivered(parts: readonly Outgoing[]): number {
  return parts.filter(({ status }) => status === 'delivered').length;
}

/** Whether a part is still queued or being sent. */
export function isUnderWay(parts: readonly Outgoing[]): boolean {
  return parts.some(({ status }) => status === 'queued' || status === 'sending');
}
