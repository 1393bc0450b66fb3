'use strict';

// tracking-server: the public end. A newsletter embeds /pixel.gif?id=newsletter; the picture is
// sent once tracking has counted the visit, and also when tracking cannot: a reader must never see
// a broken picture because of it.

const { serve, httpError, call } = require('./lib/service');

const TRACKING_URL = process.env.TRACKING_URL ?? 'http://127.0.0.1:8600';
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const instance = process.env.NODE_APP_INSTANCE ?? '0';

serve(`tracking-server ${instance}`, {
  'GET /pixel.gif': async (request, response, url) => {
    const id = url.searchParams.get('id') ?? '';
    if (!/^[\w-]{1,64}$/.test(id)) throw httpError(400, 'id must be 1 to 64 letters, digits, - or _');
    try {
      await call('POST', `${TRACKING_URL}/events`, { id });
      console.log(`instance ${instance} passed on a visit of ${id}`);
    } catch (error) {
      console.error(`a visit of ${id} is lost: ${error.message}`);
    }
    response.writeHead(200, {
      'Content-Type': 'image/gif',
      'Content-Length': PIXEL.length,
      'Cache-Control': 'no-store',
    });
    response.end(PIXEL);
  },
});
