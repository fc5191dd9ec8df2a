'use strict';

const { statSync } = require('node:fs');

const heartbeatPath = process.env.HEARTBEAT_PATH || '/tmp/worker-heartbeat';
const intervalSecs = Number.parseInt(process.env.SNAPSHOT_INTERVAL || '30s', 10);

module.exports = { heartbeatPath, intervalSecs };

// Run as a program it is the healthcheck: one missed snapshot is tolerated, two are not.
if (require.main === module) {
  try {
    const ageSecs = (Date.now() - statSync(heartbeatPath).mtimeMs) / 1000;
    process.exit(ageSecs < 2 * intervalSecs + 5 ? 0 : 1);
  } catch {
    process.exit(1);
  }
}
