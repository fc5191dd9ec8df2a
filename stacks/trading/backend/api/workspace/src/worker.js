'use strict';

// Records the number of items at every interval, and touches a file after each success for the healthcheck.

const { writeFileSync } = require('node:fs');
const { pool, countItemsFresh } = require('./db');
const { heartbeatPath, intervalSecs } = require('./heartbeat');

const retrySecs = 2;

async function snapshot() {
  const items = await countItemsFresh();
  await pool.query('INSERT INTO workspace.snapshots (items) VALUES ($1)', [items]);
  writeFileSync(heartbeatPath, new Date().toISOString());
}

function loop() {
  snapshot()
    .then(() => intervalSecs)
    .catch((error) => {
      console.error(`worker: snapshot failed: ${error.code || error.message}`);
      return retrySecs;
    })
    .then((secs) => setTimeout(loop, secs * 1000));
}

loop();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2']) {
  process.on(signal, () => process.exit(0));
}
