'use strict';

// The only way in: /runs goes to the orchestrator, /documents and /search to the indexer.

const http = require('node:http');

const port = Number(process.env.PORT);
const level = process.env.LOG_LEVEL ?? 'info';
const oauth = { clientId: process.env.OAUTH_CLIENT_ID, clientSecret: process.env.OAUTH_CLIENT_SECRET };

const targets = [
  { path: '/runs', to: new URL(process.env.ORCHESTRATOR_URL) },
  { path: '/documents', to: new URL(process.env.INDEXER_URL) },
  { path: '/search', to: new URL(process.env.INDEXER_URL) },
];

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

// Streams both ways. A client that hangs up ends the call behind it.
function forward(request, response, to) {
  const { hostname, port: targetPort } = to;
  const options = { hostname, port: targetPort, path: request.url, method: request.method, headers: request.headers, timeout: 10_000 };
  const call = http.request(options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  call.on('timeout', () => call.destroy(new Error('timeout')));
  call.on('error', (error) => {
    if (level !== 'silent') console.error(`gateway: ${request.method} to ${hostname}: ${error.code || error.message}`);
    if (response.headersSent) response.destroy();
    else send(response, 502, { error: `${hostname} does not answer` });
  });
  response.on('close', () => call.destroy());
  request.pipe(call);
}

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://gateway');
  if (pathname === '/healthz') return send(response, 200, { status: 'ok' });
  if (pathname === '/login') {
    // Without its secret the client cannot exchange a code, so nobody is sent to the provider in vain.
    const ready = Boolean(oauth.clientId && oauth.clientSecret);
    return send(response, ready ? 200 : 503, ready ? { client: oauth.clientId } : { error: 'sign-in is not configured' });
  }
  const target = targets.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
  return target ? forward(request, response, target.to) : send(response, 404, { error: 'not found' });
});

server.listen(port, () => console.log(`gateway: listening on ${port}`));

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
