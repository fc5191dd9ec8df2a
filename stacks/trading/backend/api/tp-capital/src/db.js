'use strict';

const { Client, Pool } = require('pg');

const settings = {
  connectionString: process.env.DATABASE_URL,
  connectionTimeoutMillis: 2000,
  query_timeout: 2000,
};

const pool = new Pool({ ...settings, max: 5 });

// An idle connection that the server closes is reported here; without a listener it would end the process.
pool.on('error', (error) => console.error(`tp-capital: idle connection lost: ${error.code || error.message}`));

let table;

// Creates the table once. A failed attempt is forgotten, so that the next call tries again.
function ensureTable() {
  table ??= pool
    .query(
      `CREATE SCHEMA IF NOT EXISTS tp_capital;
       CREATE TABLE IF NOT EXISTS tp_capital.signals (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         received_at timestamptz NOT NULL DEFAULT now(),
         symbol text NOT NULL,
         side text NOT NULL CHECK (side IN ('buy', 'sell')),
         price numeric NOT NULL CHECK (price > 0));`,
    )
    .then(() => console.log('tp-capital: connected to the database'))
    .catch((error) => {
      table = undefined;
      throw error;
    });
  return table;
}

// Asks over a connection of its own: one from the pool stays authenticated
// after the password changed and would hide it.
async function latestSignalFresh() {
  await ensureTable();
  const client = new Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('SELECT max(received_at) AS latest FROM tp_capital.signals');
    return rows[0].latest;
  } finally {
    client.end().catch(() => {});
  }
}

module.exports = { pool, ensureTable, latestSignalFresh };
