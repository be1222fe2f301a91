/** The ids the platform hands out, in the shapes seen on the wire. All are opaque to a bot. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** `ROBOT1.0_…!`: the id of a message of C2C or of a group, inbound and outbound. */
export const newMessageId = (): string => `ROBOT1.0_${randomBytes(24).toString('base64url')}!`;

/** Decimal digits beyond 2^53: the id of a message in a guild. */
export const newGuildMessageId = (): string => `1870000${randomInt(1e12, 1e13)}`;

/** `REFIDX_…==`: what a quote refers to. */
export const newReferenceIndex = (): string => `REFIDX_${randomBytes(13).toString('base64')}`;

/** `<EVENT_TYPE>:<random>`: the envelope's id, which a passive send may name as its `event_id`. */
export const newEventId = (type: string): string => `${type}:${randomBytes(6).toString('hex')}`;

/** 32 upper-case hex characters, as users, members and groups have. */
export const newOpenid = (): string => randomBytes(16).toString('hex').toUpperCase();

export const newSessionId = (): string => randomUUID();

/** 32 lower-case hex characters: what a send is reviewed under. */
export const newAuditId = (): string => randomBytes(16).toString('hex');

/** 32 hex characters, in the header `X-Tps-trace-ID` and in error bodies. */
export const newTraceId = (): string => randomBytes(16).toString('hex');

export const newAccessToken = (): string => randomBytes(48).toString('base64url');
