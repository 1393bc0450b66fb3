"""The ecosystem file that ``pm2sd init`` writes."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Format: TypeAlias = Literal["js", "yaml", "json"]

FILES: Final[dict[Format, str]] = {
    "js": "ecosystem.config.js",
    "yaml": "ecosystem.yaml",
    "json": "ecosystem.json",
}

_JS: Final = """\
// Run it with: pm2sd apply        See what would change: pm2sd diff
// What an option means: pm2sd explain OPTION
module.exports = {
  apps: [
    {
      name: "app",
      script: "app.js",
      // args: ["--port", "3000"],
      // How many of it run; "max" is one for each CPU.
      instances: 1,
      // The kernel ends it above this, with everything it started, and it is started again.
      max_memory_restart: "300M",
      env: {
        NODE_ENV: "development",
      },
      // Used with: pm2sd apply --env production
      env_production: {
        NODE_ENV: "production",
      },
      // Output goes to the journal (pm2sd logs), or to files:
      // out_file: "logs/out.log",
      // error_file: "logs/error.log",
    },
  ],
};
"""

_YAML: Final = """\
# Run it with: pm2sd apply        See what would change: pm2sd diff
# What an option means: pm2sd explain OPTION
apps:
  - name: app
    script: app.js
    # args: [--port, "3000"]
    # How many of it run; max is one for each CPU.
    instances: 1
    # The kernel ends it above this, with everything it started, and it is started again.
    max_memory_restart: 300M
    env:
      NODE_ENV: development
    # Used with: pm2sd apply --env production
    env_production:
      NODE_ENV: production
    # Output goes to the journal (pm2sd logs), or to files:
    # out_file: logs/out.log
    # error_file: logs/error.log
"""

_JSON: Final = """\
{
  "apps": [
    {
      "name": "app",
      "script": "app.js",
      "instances": 1,
      "max_memory_restart": "300M",
      "env": { "NODE_ENV": "development" },
      "env_production": { "NODE_ENV": "production" }
    }
  ]
}
"""

_SIMPLE: Final[dict[Format, str]] = {
    "js": 'module.exports = {\n  apps: [{ name: "app", script: "app.js" }],\n};\n',
    "yaml": "apps:\n  - name: app\n    script: app.js\n",
    "json": '{\n  "apps": [{ "name": "app", "script": "app.js" }]\n}\n',
}
_FULL: Final[dict[Format, str]] = {"js": _JS, "yaml": _YAML, "json": _JSON}


def starter(kind: Format, *, simple: bool) -> str:
    """The text of an ecosystem file to begin with; ``simple`` has no more than must be."""
    return (_SIMPLE if simple else _FULL)[kind]
