/** The order "a user writes this message": its shape, as the JSON API and in-process tests give it. */
import { z } from 'zod';
import { PEER_ID } from './people.js';

export const peerId = z.string().regex(PEER_ID, 'an id is 1–128 characters of A–Z a–z 0–9 . _ ! = + * ~ -');

/** As the platform pushes it; what is left out is made up. `url` goes out as it is given, with or without its scheme. */
const attachment = z.strictObject({
  /** `image/jpeg`, `image/png`, `image/gif`, `video/mp4`, `voice` or `file` on the platform. */
  content_type: z.string().min(1).max(100),
  url: z.string().max(4000).exactOptional(),
  filename: z.string().max(500).exactOptional(),
  width: z.number().int().min(0).exactOptional(),
  height: z.number().int().min(0).exactOptional(),
  /** Bytes. */
  size: z.number().int().min(0).exactOptional(),
  voice_wav_url: z.string().max(4000).exactOptional(),
  asr_refer_text: z.string().max(10_000).exactOptional(),
});

export const sayOrder = z
  .strictObject({
    /** The writer's user openid. */
    from: peerId,
    /** Where: a group's openid, a channel's id, or the id of the guild from which a direct message comes. With none, to the bot alone. */
    group: peerId.optional(),
    channel: peerId.optional(),
    dm: peerId.optional(),
    text: z.string().max(20_000).default(''),
    /** In a group or channel: @ the bot. Default true. */
    mention: z.boolean().optional(),
    /** User openids of others who are @-ed. */
    mentions: z.array(peerId).max(50).optional(),
    /** @ everyone. */
    everyone: z.boolean().optional(),
    /** Stand behind the text. `text` is the face's name. */
    faces: z
      .array(z.strictObject({ id: z.string().regex(/^\d{1,10}$/), text: z.string().max(64) }))
      .max(50)
      .optional(),
    attachments: z.array(attachment).max(20).optional(),
    /** A card, as it stands in `ark_data`. Not in a guild. */
    ark: z.looseObject({ prompt: z.string().max(1000) }).optional(),
    /** The texts of a forwarded chat record. Not in a guild. */
    records: z.array(z.string().max(5000)).min(1).max(100).optional(),
    /** The id of a message that it quotes. */
    quote: z.string().max(200).optional(),
    /** Which of the two events comes first when a mention is pushed in both forms. */
    both: z.enum(['at_first', 'all_first']).optional(),
    /** How often the platform pushes it again. Default 0. */
    duplicate: z.number().int().min(0).max(100).optional(),
  })
  .refine(({ group, channel, dm }) => [group, channel, dm].filter((place) => place !== undefined).length <= 1, {
    message: 'a message is written in one place: group, channel or dm',
  });

/** A message that a user writes. */
export type Say = z.input<typeof sayOrder>;
export type SaidAttachment = z.output<typeof attachment>;
