/** Numbers of people and groups as they are written to the wire. */

const DECIMAL = /^-?\d{1,20}$/;

/** A number where that loses nothing, which every implementation takes; the text as it is otherwise. */
export function wireId(id: string): number | string {
  const number = Number(id);
  return DECIMAL.test(id) && Number.isSafeInteger(number) && String(number) === id ? number : id;
}
