'use strict';

// The part of RFC 6455 that a server needs which only sends: handshake, text, ping, close.

const { createHash } = require('node:crypto');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa };
const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const TOO_BIG = 1009;
const MAX_FRAME = 64 * 1024;

/** Answers an `upgrade` request of an http.Server; returns a Connection, or null if it is no WebSocket. */
function accept(request, socket, head) {
  const key = request.headers['sec-websocket-key'];
  if (!key || request.headers['sec-websocket-version'] !== '13') {
    socket.end('HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n\r\n');
    return null;
  }
  const digest = createHash('sha1').update(key + GUID).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${digest}\r\n\r\n`,
  );
  return new Connection(socket, head);
}

class Connection {
  #socket;
  #received;
  #closing = false;

  constructor(socket, head) {
    this.#socket = socket;
    this.#received = head;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#readFrames();
    });
  }

  /** Calls back once, when the connection is gone. */
  onClose(callback) {
    this.#socket.once('close', callback);
  }

  sendText(text) {
    this.#send(OPCODE.text, Buffer.from(text, 'utf8'));
  }

  close(code = GOING_AWAY) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#send(OPCODE.close, payload);
    this.#closing = true;
    this.#socket.end();
  }

  #send(opcode, payload) {
    if (this.#closing) return;
    let header;
    if (payload.length < 126) {
      header = Buffer.from([0x80 | opcode, payload.length]);
    } else if (payload.length < 65_536) {
      header = Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 0xff]);
    } else {
      header = Buffer.alloc(10);
      header[0] = 0x80 | opcode;
      header[1] = 127;
      header.writeBigUInt64BE(BigInt(payload.length), 2);
    }
    this.#socket.write(Buffer.concat([header, payload]));
  }

  #readFrames() {
    while (!this.#closing && this.#received.length >= 2) {
      const opcode = this.#received[0] & 0x0f;
      const masked = (this.#received[1] & 0x80) !== 0;
      let length = this.#received[1] & 0x7f;
      let offset = 2;
      if (length === 127) return this.close(TOO_BIG);
      if (length === 126) {
        if (this.#received.length < 4) return undefined;
        length = this.#received.readUInt16BE(2);
        offset = 4;
      }
      if (!masked) return this.close(PROTOCOL_ERROR);
      if (length > MAX_FRAME) return this.close(TOO_BIG);
      if (this.#received.length < offset + 4 + length) return undefined;

      const mask = this.#received.subarray(offset, offset + 4);
      const payload = Buffer.from(this.#received.subarray(offset + 4, offset + 4 + length));
      for (let i = 0; i < length; i += 1) payload[i] ^= mask[i % 4];
      this.#received = this.#received.subarray(offset + 4 + length);

      if (opcode === OPCODE.ping) this.#send(OPCODE.pong, payload);
      else if (opcode === OPCODE.close) return this.close(length >= 2 ? payload.readUInt16BE(0) : GOING_AWAY);
    }
    return undefined;
  }
}

module.exports = { accept };
