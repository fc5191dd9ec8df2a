'use strict';

// Keeps the runs of agents: each is a row in PostgreSQL and a place in a queue of Redis.

const http = require('node:http');
const postgres = require('./postgres');
const redis = require('./redis');
const { seal, unseal } = require('./sealed');
const { listens } = require('./socket');

const port = Number(process.env.PORT);
const database = process.env.POSTGRES_URL;
const cache = process.env.REDIS_URL;
const maxBody = 16 * 1024;

const vault = { address: process.env.VAULT_ADDR, token: process.env.VAULT_TOKEN };
const providers = { openai: process.env.OPENAI_API_KEY, anthropic: process.env.ANTHROPIC_API_KEY };

// A kept key wins over one that would have to be fetched.
function provider() {
  const [name] = Object.entries(providers).find(([, key]) => key) ?? [];
  return name ?? (vault.address && vault.token ? 'vault' : 'none');
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

// Creates the table once; a failed attempt is forgotten, so that the next call tries again.
let table;
function ready() {
  table ??= postgres
    .query(
      database,
      `CREATE TABLE IF NOT EXISTS runs (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         prompt text NOT NULL, provider text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`,
    )
    .catch((error) => {
      table = undefined;
      throw error;
    });
  return table;
}

async function health(response) {
  try {
    await ready();
    const [[count]] = await postgres.query(database, 'SELECT count(*) FROM runs');
    await redis.command(cache, 'PING');
    send(response, 200, { status: 'ok', runs: Number(count) });
  } catch (error) {
    // The code only: 28P01 is a password that PostgreSQL refused.
    send(response, 503, { status: 'unavailable', reason: error.code || 'error' });
  }
}

// What answers beside the two that health needs; nothing here fails when it does not.
async function status(response) {
  const broker = new URL(process.env.RABBITMQ_URL);
  const traces = new URL(process.env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const [kafkaHost, kafkaPort] = process.env.KAFKA_BROKERS.split(',')[0].split(':');
  const [rabbitmq, kafka, jaeger] = await Promise.all([
    listens(broker.hostname, Number(broker.port)),
    listens(kafkaHost, Number(kafkaPort)),
    listens(traces.hostname, Number(traces.port)),
  ]);
  send(response, 200, { provider: provider(), rabbitmq, kafka, jaeger });
}

async function promptOf(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > maxBody) return null;
  }
  try {
    const { prompt } = JSON.parse(body);
    return typeof prompt === 'string' && prompt.trim() ? prompt.trim() : null;
  } catch {
    return null;
  }
}

async function runs(request, response) {
  await ready();
  if (request.method === 'GET') {
    const rows = await postgres.query(database, 'SELECT id, prompt, provider FROM runs ORDER BY id DESC LIMIT 100');
    return send(response, 200, rows.map(([id, prompt, by]) => ({ id: Number(id), prompt: unseal(prompt), provider: by })));
  }
  if (request.method !== 'POST') return send(response, 405, { error: 'use GET or POST' });
  const prompt = await promptOf(request);
  if (!prompt) return send(response, 400, { error: 'a JSON body with a prompt is needed' });
  const insert = 'INSERT INTO runs (prompt, provider) VALUES ($1, $2) RETURNING id';
  const [[id]] = await postgres.query(database, insert, [seal(prompt), provider()]);
  const waiting = await redis.command(cache, 'LPUSH', 'runs', id);
  return send(response, 201, { id: Number(id), waiting });
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://orchestrator');
  const answer = { '/healthz': () => health(response), '/status': () => status(response), '/runs': () => runs(request, response) }[pathname];
  if (!answer) return send(response, 404, { error: 'not found' });
  return answer().catch((error) => {
    console.error(`orchestrator: ${request.method} ${pathname}: ${error.code || error.message}`);
    send(response, 503, { error: 'a store does not answer' });
  });
});

server.listen(port, () => console.log(`orchestrator: listening on ${port}`));
ready().catch((error) => console.error(`orchestrator: no database yet: ${error.code || error.message}`));

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
