'use strict';

const net = require('node:net');

// A connected socket that hands out exactly as many bytes as are asked for; every wait is bounded.
async function open(host, port, timeoutMillis = 2000) {
  const socket = net.connect({ host, port });
  let received = Buffer.alloc(0);
  let failure;
  let wake = () => {};
  const fail = (error) => {
    failure ??= error;
    wake();
  };
  socket.setTimeout(timeoutMillis, () => fail(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
  socket.on('error', fail);
  socket.on('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  const until = async (ready) => {
    while (!ready()) {
      if (failure) {
        socket.destroy();
        throw failure;
      }
      await new Promise((resolve) => (wake = resolve));
    }
  };
  let connected = false;
  socket.on('connect', () => {
    connected = true;
    wake();
  });
  await until(() => connected);

  const take = (length) => {
    const bytes = received.subarray(0, length);
    received = received.subarray(length);
    return bytes;
  };
  return {
    write: (bytes) => socket.write(bytes),
    close: () => socket.destroy(),
    async bytes(length) {
      await until(() => received.length >= length);
      return take(length);
    },
    async line() {
      await until(() => received.includes('\r\n'));
      const line = take(received.indexOf('\r\n')).toString();
      take(2);
      return line;
    },
  };
}

// Whether something listens there.
async function listens(host, port) {
  try {
    (await open(host, port, 500)).close();
    return true;
  } catch {
    return false;
  }
}

module.exports = { open, listens };
