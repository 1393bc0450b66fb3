'use strict';

// What the manager knows of this process's unit, or is to do with it.

const SYSTEMCTL = '/usr/bin/systemctl';

module.exports = { systemctl };

// `done` is called with what it printed, undefined where that failed.
function systemctl(words, done) {
  const groups = require('fs').readFileSync('/proc/self/cgroup', 'utf8');
  const unit = /^\d+:(?:name=systemd)?:.*\/(.+\.service)$/m.exec(groups)?.[1];
  if (!unit) return done();
  // systemd.exec(5): only services of a user's manager have the variable.
  const whose = process.env.MANAGERPID ? '--user' : '--system';
  const { execFile } = require('child_process');
  execFile(SYSTEMCTL, [whose, ...words, '--', unit], (error, out) => done(error ? undefined : out));
}
