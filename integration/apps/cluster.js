'use strict';

// An ordinary HTTP server on $PORT, without a signal handler: answers its instance's number and pid
// after $DELAY ms. With $READY it says that it is ready $READY ms after it listens; with "never",
// not at all.

const http = require('node:http');

const { PORT, DELAY = '0', READY, NODE_APP_INSTANCE } = process.env;

const server = http.createServer((request, response) => {
  setTimeout(() => response.end(`${NODE_APP_INSTANCE} ${process.pid}`), Number(DELAY));
});

server.listen(PORT, () => {
  console.log('listening');
  if (READY && READY !== 'never') setTimeout(() => process.send('ready'), Number(READY));
});
