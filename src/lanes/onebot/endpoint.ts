/** Where an OneBot implementation dials in, and as whom. */

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The QQ it is kept for; without one it belongs to the first that dials in. */
  readonly selfId?: string;
  /** Without one everybody who reaches the address may dial in. */
  readonly token?: string;
}

/** A path as it is compared: unescaped, with one slash before it and none at its end. */
export function plainPath(path: string): string {
  let text = path;
  try {
    text = decodeURI(path);
  } catch {
    // No URL of ours is written so; it is compared as it came, and found nowhere.
  }
  return `/${text.replace(/^\/+|\/+$/g, '')}`;
}

/** `ws://127.0.0.1:3001/onebot/v11/ws`, as people write it into their implementation. */
export function addressOf({ host, path }: Endpoint, port: number): string {
  return `ws://${host.includes(':') ? `[${host}]` : host}:${port}${plainPath(path)}`;
}
