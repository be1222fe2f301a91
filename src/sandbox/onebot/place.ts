/** A conversation: a talk with one person, or a group. */
export interface Place {
  readonly kind: 'private' | 'group';
  /** Of the person or of the group, decimal. */
  readonly id: string;
}
