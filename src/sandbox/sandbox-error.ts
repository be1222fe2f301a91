/** A caller of the sandbox's own API asked for something that cannot be: answered with `{error: {code, message}}`. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  /** Stable word for scripts, e.g. `user.unknown`. */
  readonly code: string;
  readonly status: 400 | 404 | 413;

  constructor(code: string, message: string, status: 400 | 404 | 413 = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
