/** Codes with which people ask to be let in: easy to read out, impossible to guess within their hour. */
import { randomInt } from 'node:crypto';

/** Without what is mistaken for something else: I and 1, O and 0. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 8;

/** How long a code is good for. */
export const CODE_LASTS_MS = 3_600_000;

export function newCode(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** As it is stored, whatever the case in which it was written. */
export function codeIn(text: string): string {
  return text.trim().toUpperCase();
}
