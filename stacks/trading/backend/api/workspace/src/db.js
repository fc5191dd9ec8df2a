'use strict';

const { Client, Pool } = require('pg');

const settings = {
  host: process.env.DB_HOST || 'localhost',
  port: Number(process.env.DB_PORT || 5432),
  database: process.env.DB_NAME,
  user: process.env.DB_USER,
  password: process.env.DB_PASSWORD,
  connectionTimeoutMillis: 2000,
  query_timeout: 2000,
};

const pool = new Pool({ ...settings, max: 5 });

// An idle connection that the server closes is reported here; without a listener it would end the process.
pool.on('error', (error) => console.error(`workspace: idle connection lost: ${error.code || error.message}`));

let tables;

// Creates the tables once. A failed attempt is forgotten, so that the next call tries again.
function ensureTables() {
  tables ??= pool
    .query(
      `CREATE SCHEMA IF NOT EXISTS workspace;
       CREATE TABLE IF NOT EXISTS workspace.items (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         title text NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now());
       CREATE TABLE IF NOT EXISTS workspace.snapshots (
         taken_at timestamptz PRIMARY KEY DEFAULT now(),
         items bigint NOT NULL);`,
    )
    .then(() => console.log(`workspace: connected to ${settings.host}:${settings.port}/${settings.database}`))
    .catch((error) => {
      tables = undefined;
      throw error;
    });
  return tables;
}

// Counts the items over a connection of its own: one from the pool stays
// authenticated after the password changed and would hide it.
async function countItemsFresh() {
  await ensureTables();
  const client = new Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS items FROM workspace.items');
    return rows[0].items;
  } finally {
    client.end().catch(() => {});
  }
}

module.exports = { pool, ensureTables, countItemsFresh };
