/** The parameters of a call, read as implementations do: digits are numbers, `"true"` is true. */
import { Refusal } from './refusal.js';

export class Params {
  readonly raw: { readonly [key: string]: unknown };

  constructor(params: unknown) {
    this.raw = typeof params === 'object' && params !== null ? (params as Params['raw']) : {};
  }

  has(key: string): boolean {
    return this.raw[key] !== undefined && this.raw[key] !== null && this.raw[key] !== '';
  }

  /** A decimal id. @throws Refusal when it is missing or no id */
  id(...keys: readonly string[]): string {
    const found = this.idIfAny(...keys);
    if (found === undefined) throw missing(keys[0] ?? '');
    return found;
  }

  idIfAny(...keys: readonly string[]): string | undefined {
    const value = this.#first(keys);
    if (typeof value === 'number' && Number.isFinite(value)) return String(value);
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** May be negative. @throws Refusal */
  messageId(key = 'message_id'): number {
    const value = Number(this.id(key));
    if (!Number.isInteger(value)) throw missing(key);
    return value;
  }

  /** @throws Refusal when it is missing or no text */
  text(...keys: readonly string[]): string {
    const value = this.#first(keys);
    if (typeof value !== 'string' && typeof value !== 'number') throw missing(keys[0] ?? '');
    return String(value);
  }

  textIfAny(...keys: readonly string[]): string | undefined {
    const value = this.#first(keys);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  }

  number(key: string, otherwise: number): number {
    const value = this.raw[key];
    const number = typeof value === 'string' && value !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : otherwise;
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.raw[key];
    if (value === undefined || value === null) return otherwise;
    return value === true || value === 'true' || value === 1 || value === '1';
  }

  #first(keys: readonly string[]): unknown {
    return keys.map((key) => this.raw[key]).find((value) => value !== undefined && value !== null);
  }
}

const missing = (key: string): Refusal =>
  new Refusal('Schema compilation error: Expected required property', `BAD_PARAM ${key}`, 'parameter');
