/** QQ numbers that belong to robots of the platform, like the group keeper: what they write is no person's. */

/** Ends included. Source: `get_robot_uin_range` of NapCat and LLOneBot. */
const RANGES = [
  { first: 66_600_000, last: 66_600_000 },
  { first: 2_854_196_301, last: 2_854_216_399 },
  { first: 3_328_144_510, last: 3_328_144_510 },
  { first: 3_889_000_000, last: 3_889_999_999 },
  { first: 4_010_000_000, last: 4_019_999_999 },
];

export function isOfficialRobot(userId: string): boolean {
  const number = Number(userId);
  for (const { first, last } of RANGES) if (number >= first && number <= last) return true;
  return false;
}
