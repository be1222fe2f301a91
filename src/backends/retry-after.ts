/** How long a server that sends us away wants us to wait. */

/** The header in milliseconds; undefined when it says nothing that can be understood. Source: RFC 9110, §10.2.3. */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  const told = (header ?? '').trim();
  if (/^\d{1,9}$/.test(told)) return Number(told) * 1000;
  const at = /GMT$/.test(told) ? Date.parse(told) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
