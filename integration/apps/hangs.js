'use strict';

// An HTTP server on $PORT that answers its instance's number and pid, once it has been busy for the
// first $BUSY ms; then it says that it is ready. GET /hang answers, then keeps the event loop busy
// for ever. Under /health it answers 503 for the first $COLD ms, and 500 after GET /sick.

const http = require('node:http');

const { PORT, BUSY = '0', COLD = '0', NODE_APP_INSTANCE } = process.env;
const begin = Date.now();
let healthy = true;

while (Date.now() - begin < Number(BUSY));

http
  .createServer((request, response) => {
    if (request.url === '/sick') healthy = false;
    if (request.url === '/health' && Date.now() - begin < Number(COLD)) response.statusCode = 503;
    if (request.url === '/health' && !healthy) response.statusCode = 500;
    response.end(`${NODE_APP_INSTANCE} ${process.pid}`, () => {
      if (request.url === '/hang') for (;;);
    });
  })
  .listen(PORT, () => {
    console.log('listening');
    process.send?.('ready');
  });
