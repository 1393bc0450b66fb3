"""Options that PM2 does not have."""

from __future__ import annotations

from pm2sd.ecosystem.options.addresses import Listen
from pm2sd.ecosystem.options.checks import Health, Ready
from pm2sd.ecosystem.options.dependencies import Dependencies
from pm2sd.ecosystem.options.directives import Directives
from pm2sd.ecosystem.options.lists import Environment, SignalName, Strings, VariableNames
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.numbers import LEAST_MEMORY, Duration, Integer, Percentage, Size
from pm2sd.ecosystem.options.telling import ALERTS, Teller
from pm2sd.ecosystem.options.types import Boolean, Choice, CronPattern, Either
from pm2sd.notes import Fidelity

OURS = (
    Option(
        name="kill_signal",
        section=Section.OURS,
        type=SignalName(),
        default="SIGINT",
        doc="The signal that asks the app to stop; PM2 has one for all apps, PM2_KILL_SIGNAL.",
        becomes="KillSignal=",
        fidelity=Fidelity.BETTER,
        difference="PM2 cannot set it for one app.",
        example="kill_signal: SIGTERM",
    ),
    Option(
        name="inherit_env",
        section=Section.OURS,
        type=VariableNames(),
        doc="Names of variables that are taken from the calling shell, besides PATH; env wins.",
        becomes="Environment=",
        fidelity=Fidelity.BETTER,
        difference="PM2 takes the whole environment of the shell.",
        example="inherit_env: [LANG, TZ]",
        flags=(Flag(("--inherit-env",), "many"),),
    ),
    Option(
        name="secrets",
        section=Section.OURS,
        type=Environment(),
        doc="Secret variables, kept in a file that only the user can read; they are written as in "
        "env, and systemctl cat and pm2sd describe do not show them.",
        becomes="EnvironmentFile=",
        fidelity=Fidelity.BETTER,
        difference="PM2 keeps every variable readable by all, in its dump file.",
        example="secrets: {DATABASE_PASSWORD: hunter2}",
    ),
    Option(
        name="env_file",
        section=Section.OURS,
        type=Strings("a path, or a list of paths"),
        doc="Files with variables, one NAME=value a line, as dotenv reads them: quotes, export, "
        "comments, no $NAME. Relative to cwd; a path that begins with - may be missing. They are "
        "read by apply, so apply again after a change; env wins. What is in them is kept as "
        "secrets are, but for PATH, PORT, NODE_ENV and NODE_OPTIONS.",
        becomes="EnvironmentFile=",
        fidelity=Fidelity.BETTER,
        difference="PM2 leaves it to the app. A line that dotenv would skip is an error.",
        example="env_file: [.env, -.env.local]",
        default_text="unset",
    ),
    Option(
        name="listen",
        section=Section.OURS,
        type=Listen(),
        doc="Where the app listens: systemd opens the sockets and all instances share them. Node "
        "apps use them by themselves, others find them as sd_listen_fds(3) says.",
        becomes="NAME.socket, Sockets=, NonBlocking=",
        fidelity=Fidelity.BETTER,
        difference="PM2 shares the ports of Node's cluster module only. Without exec_mode: cluster "
        "it has to be written.",
        example="listen: [3000, 127.0.0.1:3001, /run/user/1000/api.sock]",
        default_text="the port, or PORT in env or env_file, of Node in cluster mode",
        flags=(Flag(("--listen",), "many"),),
    ),
    Option(
        name="backlog",
        section=Section.OURS,
        type=Integer(1, 2**31 - 1),
        doc="How many connections to the sockets of listen wait at most; the kernel's limit is "
        "net.core.somaxconn.",
        becomes="Backlog=",
        fidelity=Fidelity.BETTER,
        difference="PM2 leaves it to the app.",
        example="backlog: 1024",
        default_text="the kernel's limit",
    ),
    Option(
        name="reuse_port",
        section=Section.OURS,
        type=Boolean(),
        default=False,
        doc="Opens the sockets of listen once for each instance, and the kernel spreads new "
        "connections: more evenly where few clients keep theirs for long, but those that wait for "
        "an instance that is stopped are lost.",
        becomes="NAME@.socket",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="reuse_port: true",
    ),
    Option(
        name="depends_on",
        section=Section.OURS,
        type=Dependencies(),
        doc="Apps of the same file that are started before this one: {NAME: {condition: ready}} "
        "for one that has ready or wait_ready. Starting this app by hand starts them "
        "too; stopping them does not stop it, and it is started even where one of them failed.",
        becomes="Wants=, After=",
        fidelity=Fidelity.BETTER,
        difference="PM2 starts apps in the order of the file and waits for none.",
        example="depends_on: [database]",
        default_text="unset",
    ),
    Option(
        name="ready",
        section=Section.OURS,
        type=Ready(),
        doc="How to find out that an instance serves; until then it counts as starting, and after "
        "listen_timeout it has failed. http: a path on the app's port, or a URL, that answers with "
        "a status below 400; tcp: a port that takes connections; log: a regular expression "
        "(Python's) for a line that it prints. Short: /path, URL, port.",
        becomes="ExecStartPost=",
        fidelity=Fidelity.BETTER,
        difference="PM2 has wait_ready alone. Where instances share a socket only what the new "
        "instance itself answered counts.",
        example="ready: {http: /health}",
        default_text="unset",
    ),
    Option(
        name="health",
        section=Section.OURS,
        type=Health(),
        doc="Restarts an instance that stopped answering, within interval x failures (10s, 3). "
        "http and tcp as with ready, or command: one of the shell, with PM2SD_INSTANCE, that "
        "exits with 0; each has timeout (3s) for it, and is not asked within grace (0) after the "
        "start. true asks Node's event loop whether it still turns. Short: true, /path, URL, port. "
        "Since systemd 253 a Node app asks itself and feeds systemd's watchdog, but for command.",
        becomes="WatchdogSec=, or NAME:health.timer",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it. Nothing runs between two checks.",
        example="health: {http: /health, interval: 10s, timeout: 3s, failures: 3}",
        default_text="unset",
    ),
    Option(
        name="cpu_quota",
        section=Section.OURS,
        type=Percentage(1),
        doc="The most CPU time an instance may use: 100% is one CPU.",
        becomes="CPUQuota=",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it. A change takes effect without a restart.",
        example="cpu_quota: 150%",
        default_text="no limit",
    ),
    Option(
        name="io_weight",
        section=Section.OURS,
        type=Integer(1, 10_000),
        doc="The share of the disks' time, 100 being the normal one.",
        becomes="IOWeight=",
        fidelity=Fidelity.APPROXIMATE,
        difference="it works only where the administrator lets the user's manager control disk "
        "time: Delegate=cpu memory pids io in a drop-in of user@.service",
        example="io_weight: 50",
        default_text="100",
    ),
    Option(
        name="tasks_max",
        section=Section.OURS,
        type=Integer(1, 2**31 - 1),
        doc="The most processes and threads an instance may have.",
        becomes="TasksMax=",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it. A change takes effect without a restart.",
        example="tasks_max: 200",
        default_text="DefaultTasksMax= of the manager",
    ),
    Option(
        name="memory_policy",
        section=Section.OURS,
        type=Choice({"hard": "hard", "graceful": "graceful"}, "hard or graceful"),
        default="hard",
        doc="What happens at max_memory_restart. hard: the kernel kills. graceful: every 30 s the "
        "instances that use more are reloaded, with their stop signal and one after the other, "
        "and the kernel kills at half as much again. The cache of files does not count as use.",
        becomes="MemoryMax=, NAME:memory.timer",
        fidelity=Fidelity.BETTER,
        difference="PM2 looks every 30 s, too, but at the main process only, and has no hard "
        "limit.",
        example="memory_policy: graceful",
    ),
    Option(
        name="memory_total",
        section=Section.OURS,
        type=Size(LEAST_MEMORY),
        doc="The most memory that all instances may use together, with all that runs for the app "
        "(its watcher). Where they take more, the kernel kills the process that uses most, and "
        "its instance is started again. Leave room for one more instance of a cluster: reload "
        "tries the app with an extra one.",
        becomes="MemoryMax= and MemorySwapMax=0 of app-pm2sd-NAME.slice",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it. A change takes effect without a restart.",
        example="memory_total: 1G",
        default_text="no limit",
    ),
    Option(
        name="nice",
        section=Section.OURS,
        type=Integer(-20, 19),
        doc="The priority of the processes, 19 being the lowest. Below 0 it takes LimitNICE= for "
        "the user's manager.",
        becomes="Nice=",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="nice: 10",
        default_text="that of the manager, 0",
    ),
    Option(
        name="hardening",
        section=Section.OURS,
        type=Either(
            (Choice({level: level for level in ("off", "basic", "strict")}), Boolean()),
            "off, basic or strict",
        ),
        default="basic",
        doc="What the app is kept from doing. basic: gaining privileges (sudo, ping), which leaves "
        "alone what an ordinary program does. strict: a view of the system of its own, in which "
        "all but its directory and /home is read-only; docs/hardening.md has the list.",
        becomes="NoNewPrivileges=, PrivateUsers=, ProtectSystem= and others",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="hardening: strict",
    ),
    Option(
        name="on_failure",
        section=Section.OURS,
        type=Teller(),
        doc="What is done when systemd gives an instance up: after max_restarts, or a failure with "
        "autorestart: false. A URL, or an object with url and headers, gets a POST with JSON: app, "
        "instance, result, exit_code, signal, host, time, the last lines. Any other text is a "
        "command of the shell, a list a program and its arguments; it gets PM2SD_APP, "
        "PM2SD_INSTANCE and systemd's MONITOR_SERVICE_RESULT, MONITOR_EXIT_CODE and "
        "MONITOR_EXIT_STATUS.",
        becomes="OnFailure=NAME:failed@.service",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="on_failure: https://hooks.example.org/alarm",
        default_text="unset",
    ),
    Option(
        name="alerts",
        section=Section.OURS,
        type=ALERTS,
        doc="When to raise an alarm about an instance: so many restarts in a time, memory above a "
        "part of max_memory_restart or a size, down for a time. It is a line in the log, and is "
        "told to notify, which takes what on_failure does; without it, to the webhook of "
        "on_failure. Each alarm is raised once, and told again when it is over. A command gets "
        "PM2SD_EVENT (restarts, memory, down or recovered), PM2SD_APP, PM2SD_INSTANCE, PM2SD_TEXT.",
        becomes="NAME:alerts.timer",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it. Instances are looked at every 30 s, or more often for "
        "a short down; restarts before the first look do not count.",
        example="alerts: {restarts: 10/1h, memory: 90%, down: 2m}",
        default_text="unset",
    ),
    Option(
        name="schedule",
        section=Section.OURS,
        type=CronPattern("a cron pattern or a calendar event", or_calendar=True),
        default_text="unset",
        doc="Runs the app by the clock, as a job that ends: a cron pattern, or a calendar event "
        "as in systemd.time(7). apply does not start it, pm2sd start does, once more.",
        becomes="a .timer with OnCalendar=, Restart=no",
        fidelity=Fidelity.BETTER,
        difference="PM2 has only cron_restart with autorestart: false, and runs it at once, too.",
        example='schedule: "0 3 * * *"',
    ),
    Option(
        name="cron_catch_up",
        section=Section.OURS,
        type=Boolean(),
        default_text="false; true with schedule",
        doc="Makes up for missed times of cron_restart or schedule, once for all that passed while "
        "the machine was off or the app was stopped.",
        becomes="Persistent=",
        fidelity=Fidelity.BETTER,
        difference="PM2 never does.",
        example="cron_catch_up: true",
    ),
    Option(
        name="idle_timeout",
        section=Section.OURS,
        type=Duration(least=500),
        doc="Stops an app that nobody has been connected to for that long; the next connection "
        "starts it, and waits in the kernel until it is up. The app has listen, and one instance; "
        "apply and boot open its socket only.",
        becomes="NAME.socket with Service=NAME@0.service",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="idle_timeout: 10m",
        default_text="unset",
    ),
    Option(
        name="unit",
        section=Section.OURS,
        type=Directives(),
        doc="Directives that are copied into NAME@.service as they are: systemd's syntax, with its "
        "specifiers (%i) and quotes; a list writes a directive several times. Those that another "
        "option writes are refused.",
        becomes="the directives themselves",
        fidelity=Fidelity.BETTER,
        difference="PM2 has nothing like it.",
        example="unit: {Service: {LimitNOFILE: 65536}}",
        default_text="unset",
    ),
)
