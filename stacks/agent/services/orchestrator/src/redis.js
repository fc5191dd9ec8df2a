'use strict';

const { open } = require('./socket');

// One command over a connection of its own, in RESP2 as redis.io documents it. Arrays are not needed here.
async function command(url, ...words) {
  const { hostname, port, username, password } = new URL(url);
  const socket = await open(hostname, Number(port || 6379));
  try {
    if (password) await exchange(socket, ['AUTH', ...(username ? [decodeURIComponent(username)] : []), decodeURIComponent(password)]);
    return await exchange(socket, words);
  } finally {
    socket.close();
  }
}

async function exchange(socket, words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${parts.join('')}`);
  const line = await socket.line();
  const rest = line.slice(1);
  if (line[0] === '+') return rest;
  if (line[0] === ':') return Number(rest);
  if (line[0] === '$') {
    if (rest === '-1') return null;
    return (await socket.bytes(Number(rest) + 2)).subarray(0, -2).toString();
  }
  throw Object.assign(new Error('refused'), { code: rest.split(' ')[0] });
}

module.exports = { command };
