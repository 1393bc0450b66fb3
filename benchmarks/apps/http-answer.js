// A small web app: tells its pid when it listens, and to whoever asks.
const { appendFileSync } = require('node:fs');
const { createServer } = require('node:http');

createServer((_request, response) => response.end(String(process.pid))).listen(
  Number(process.env.PORT),
  '127.0.0.1',
  () => appendFileSync(process.env.ANNOUNCE, `${process.pid}\n`),
);
