/** How fast the platform takes messages. Source: Bot API v2 "主动消息" and "频率限制" pages; where they differ by rank, the figures of a verified bot. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const ACTIVE_PER_TARGET = [
  { count: 20, perMs: MINUTE },
  { count: 1000, perMs: DAY },
];

export const SEND_LIMITS = {
  c2c: {
    active: [{ count: 10, perMs: SECOND }],
    activePerTarget: ACTIVE_PER_TARGET,
    perTarget: [],
    afterComplaint: [{ count: 100, perMs: SECOND }],
  },
  group: {
    active: [{ count: 60, perMs: MINUTE }],
    activePerTarget: ACTIVE_PER_TARGET,
    perTarget: [],
    afterComplaint: [{ count: 100, perMs: SECOND }],
  },
  channel: {
    active: [],
    activePerTarget: [],
    perTarget: [{ count: 5, perMs: SECOND }],
    afterComplaint: [{ count: 20, perMs: SECOND }],
  },
  dm: { active: [], activePerTarget: [], perTarget: [], afterComplaint: [{ count: 20, perMs: SECOND }] },
} as const;
