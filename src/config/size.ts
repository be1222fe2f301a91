/** Sizes as people write them: `512KiB`, `1MiB`. */

const UNITS: { readonly [unit: string]: number } = { b: 1, kib: 1024, mib: 1_048_576, gib: 1_073_741_824 };

/** Bytes; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]{1,9})(B|KiB|MiB|GiB)$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
