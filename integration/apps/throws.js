'use strict';

// Dies at once of an uncaught exception, with a stack trace on stderr: exit code 1.

console.log('about to fail');
throw new Error('the database is not there');
