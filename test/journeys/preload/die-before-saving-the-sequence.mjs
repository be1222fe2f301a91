// Loaded before `loong`: the process dies the moment it wants to store how far the gateway session is journalled,
// once the file named by DIE_WHEN exists. The journal was committed by then, the sequence number was not.
import { existsSync } from 'node:fs';
import { SqliteGatewaySessions } from '../../../dist/store/sqlite/gateway-sessions.js';

const save = SqliteGatewaySessions.prototype.save;
SqliteGatewaySessions.prototype.save = function (...args) {
  if (existsSync(process.env.DIE_WHEN)) process.kill(process.pid, 'SIGKILL');
  return save.apply(this, args);
};
