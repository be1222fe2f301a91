/** Ends the test run with one line that any program can read: `tests: 12 passed, 0 failed`. */
import type { Reporter, TestModule } from 'vitest/node';

export class PlainSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    process.stdout.write(`tests: ${count.passed} passed, ${count.failed} failed\n`);
  }
}
