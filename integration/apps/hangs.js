'use strict';

// An HTTP server on $PORT that answers its instance's number and pid; GET /hang answers, then keeps
// the event loop busy for ever. Under /health it answers 503 for the first $COLD ms.

const http = require('node:http');

const { PORT, COLD = '0', NODE_APP_INSTANCE } = process.env;
const begin = Date.now();

http
  .createServer((request, response) => {
    if (request.url === '/health' && Date.now() - begin < Number(COLD)) response.statusCode = 503;
    response.end(`${NODE_APP_INSTANCE} ${process.pid}`, () => {
      if (request.url === '/hang') for (;;);
    });
  })
  .listen(PORT, () => console.log('listening'));
