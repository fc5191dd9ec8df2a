'use strict';

const http = require('node:http');
const { timingSafeEqual, createHash } = require('node:crypto');
const { pool, ensureTables, countItemsFresh } = require('./db');

const port = Number(process.env.PORT || 3200);
const keyHeader = process.env.API_KEY_HEADER_NAME || 'x-api-key';
const maxBody = 16 * 1024;

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function mayWrite(request) {
  const digest = (text) => createHash('sha256').update(text).digest();
  const expected = process.env.API_KEY;
  return Boolean(expected) && timingSafeEqual(digest(request.headers[keyHeader] || ''), digest(expected));
}

async function readTitle(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > maxBody) return null;
  }
  try {
    const { title } = JSON.parse(text);
    return typeof title === 'string' && title.trim() ? title.trim() : null;
  } catch {
    return null;
  }
}

async function health(response) {
  try {
    send(response, 200, { status: 'ok', items: await countItemsFresh() });
  } catch (error) {
    // The code only (28P01 is a refused password): messages may quote settings.
    send(response, 503, { status: 'unavailable', reason: error.code || 'timeout' });
  }
}

async function items(request, response) {
  await ensureTables();
  if (request.method === 'GET') {
    const { rows } = await pool.query('SELECT id, title, created_at FROM workspace.items ORDER BY id DESC LIMIT 100');
    return send(response, 200, rows);
  }
  if (request.method !== 'POST') return send(response, 405, { error: 'use GET or POST' });
  if (!mayWrite(request)) return send(response, 401, { error: `a valid ${keyHeader} header is needed` });
  const title = await readTitle(request);
  if (!title) return send(response, 400, { error: 'a JSON body with a title is needed' });
  const { rows } = await pool.query('INSERT INTO workspace.items (title) VALUES ($1) RETURNING id, title', [title]);
  return send(response, 201, rows[0]);
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname === '/health') return health(response);
  if (pathname === '/items') {
    return items(request, response).catch((error) => {
      console.error(`workspace: ${request.method} /items: ${error.code || error.message}`);
      send(response, 503, { error: 'the database does not answer' });
    });
  }
  return send(response, 404, { error: 'not found' });
});

server.listen(port, () => console.log(`workspace: listening on ${port}`));
ensureTables().catch((error) => console.error(`workspace: no database yet: ${error.code || error.message}`));

for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2']) {
  process.on(signal, () => process.exit(0));
}
