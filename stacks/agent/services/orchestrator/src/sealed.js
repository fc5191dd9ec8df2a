'use strict';

// What a prompt says stays unreadable in the database when a passphrase is set.

const { createCipheriv, createDecipheriv, randomBytes, scryptSync } = require('node:crypto');

const passphrase = process.env.CONFIG_PASSPHRASE;
const key = passphrase ? scryptSync(passphrase, 'agent-runs', 32) : null;

function seal(plain) {
  if (!key) return plain;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return `sealed:${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')}`;
}

function unseal(stored) {
  if (!stored.startsWith('sealed:')) return stored;
  if (!key) return null;
  const bytes = Buffer.from(stored.slice(7), 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}

module.exports = { seal, unseal };
