'use strict';

const http = require('node:http');
const { createHmac, timingSafeEqual } = require('node:crypto');
const { pool, ensureTable, latestSignalFresh } = require('./db');

const port = Number(process.env.PORT || 4005);
const maxBody = 16 * 1024;

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// The sender signs the body: x-signature is the hex HMAC-SHA256 under WEBHOOK_SECRET.
function signed(request, body) {
  if (!process.env.WEBHOOK_SECRET) return false;
  const expected = createHmac('sha256', process.env.WEBHOOK_SECRET).update(body).digest();
  const given = Buffer.from(request.headers['x-signature'] || '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function parseSignal(body) {
  try {
    const { symbol, side, price } = JSON.parse(body);
    const valid = typeof symbol === 'string' && symbol && ['buy', 'sell'].includes(side) && Number(price) > 0;
    return valid ? [symbol, side, Number(price)] : null;
  } catch {
    return null;
  }
}

async function health(response) {
  try {
    send(response, 200, { status: 'ok', latest_signal: await latestSignalFresh() });
  } catch (error) {
    // The code only (28P01 is a refused password): messages may quote settings.
    send(response, 503, { status: 'unavailable', reason: error.code || 'timeout' });
  }
}

async function signals(request, response) {
  await ensureTable();
  if (request.method === 'GET') {
    const { rows } = await pool.query('SELECT * FROM tp_capital.signals ORDER BY id DESC LIMIT 100');
    return send(response, 200, rows);
  }
  if (request.method !== 'POST') return send(response, 405, { error: 'use GET or POST' });
  const body = await readBody(request);
  if (!body || !signed(request, body)) return send(response, 401, { error: 'the signature does not match' });
  const signal = parseSignal(body);
  if (!signal) return send(response, 400, { error: 'symbol, side (buy or sell) and price are needed' });
  const { rows } = await pool.query(
    'INSERT INTO tp_capital.signals (symbol, side, price) VALUES ($1, $2, $3) RETURNING id',
    signal,
  );
  return send(response, 201, rows[0]);
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/health') return health(response);
  if (pathname === '/signals') {
    return signals(request, response).catch((error) => {
      console.error(`tp-capital: ${request.method} /signals: ${error.code || error.message}`);
      send(response, 503, { error: 'the database does not answer' });
    });
  }
  return send(response, 404, { error: 'not found' });
});

server.listen(port, () => console.log(`tp-capital: listening on ${port}`));
ensureTable().catch((error) => console.error(`tp-capital: no database yet: ${error.code || error.message}`));

for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2']) {
  process.on(signal, () => process.exit(0));
}
