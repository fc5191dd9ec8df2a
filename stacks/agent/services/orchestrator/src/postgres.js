'use strict';

// PostgreSQL's protocol 3.0, as far as one query over one connection needs it: start, SCRAM-SHA-256
// (RFC 7677, without channel binding), the extended query with text parameters, and the end.

const { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } = require('node:crypto');
const { open } = require('./socket');

const int16 = (number) => Buffer.from([number >> 8, number & 255]);
const int32 = (number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(number);
  return bytes;
};
const text = (string) => Buffer.from(`${string}\0`);
const message = (kind, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
};
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

async function next(socket) {
  const head = await socket.bytes(5);
  const body = await socket.bytes(head.readInt32BE(1) - 4);
  const kind = String.fromCharCode(head[0]);
  if (kind === 'E') throw Object.assign(new Error('refused by the server'), { code: sqlState(body) });
  return { kind, body };
}

// Only the code: the message may quote what was sent.
function sqlState(body) {
  const field = body.toString().split('\0').find((part) => part.startsWith('C'));
  return field ? field.slice(1) : 'XX000';
}

async function login(socket, password) {
  for (;;) {
    const { kind, body } = await next(socket);
    if (kind === 'Z') return;
    if (kind !== 'R' || body.readInt32BE(0) === 0) continue;
    if (body.readInt32BE(0) !== 10) throw Object.assign(new Error('another way to sign in'), { code: 'XAUTH' });
    await scram(socket, password);
  }
}

async function scram(socket, password) {
  const nonce = randomBytes(18).toString('base64');
  const first = `n=,r=${nonce}`;
  const start = Buffer.from(`n,,${first}`);
  socket.write(message('p', text('SCRAM-SHA-256'), int32(start.length), start));
  const challenge = (await next(socket)).body.subarray(4).toString();
  const { r, s, i } = Object.fromEntries(challenge.split(',').map((part) => [part[0], part.slice(2)]));
  if (!r.startsWith(nonce)) throw Object.assign(new Error('a foreign nonce'), { code: 'XAUTH' });

  const salted = pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const bare = `c=biws,r=${r}`;
  const signed = `${first},${challenge},${bare}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), signed);
  const proof = clientKey.map((byte, at) => byte ^ signature[at]);
  socket.write(message('p', Buffer.from(`${bare},p=${Buffer.from(proof).toString('base64')}`)));

  const answer = (await next(socket)).body.subarray(4).toString();
  const expected = hmac(hmac(salted, 'Server Key'), signed);
  const given = Buffer.from(answer.slice(2), 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw Object.assign(new Error('not the server that knows the password'), { code: 'XAUTH' });
  }
}

// The rows as arrays of text, over a fresh connection: one that is kept stays signed in after the password changed.
async function query(url, sql, values = []) {
  const { hostname, port, username, password, pathname } = new URL(url);
  const user = decodeURIComponent(username);
  const socket = await open(hostname, Number(port || 5432));
  try {
    const start = Buffer.concat([int32(196608), text('user'), text(user), text('database'), text(pathname.slice(1)), Buffer.from([0])]);
    socket.write(Buffer.concat([int32(start.length + 4), start]));
    await login(socket, decodeURIComponent(password));
    const parameters = values.map((value) => Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]));
    socket.write(message('P', text(''), text(sql), int16(0)));
    socket.write(message('B', text(''), text(''), int16(0), int16(values.length), ...parameters, int16(0)));
    socket.write(Buffer.concat([message('E', text(''), int32(0)), message('S')]));
    return await rows(socket);
  } finally {
    socket.close();
  }
}

async function rows(socket) {
  const found = [];
  for (;;) {
    const { kind, body } = await next(socket);
    if (kind === 'Z') return found;
    if (kind !== 'D') continue;
    const row = [];
    let at = 2;
    for (let column = 0; column < body.readInt16BE(0); column += 1) {
      const length = body.readInt32BE(at);
      at += 4;
      row.push(length < 0 ? null : body.subarray(at, at + length).toString());
      at += Math.max(length, 0);
    }
    found.push(row);
  }
}

module.exports = { query };
