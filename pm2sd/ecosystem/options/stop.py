"""Options that say how an app is stopped and when it counts as started."""

from __future__ import annotations

from pm2sd.ecosystem.options.model import Flag, Option, Section, Zero
from pm2sd.ecosystem.options.numbers import Duration
from pm2sd.ecosystem.options.types import Boolean
from pm2sd.notes import Fidelity

STOP = (
    Option(
        name="kill_timeout",
        section=Section.STOP,
        type=Duration(least=1),
        default=1600,
        zero=Zero("0 means the default of 1600 ms, as in PM2; kill_signal: SIGKILL kills at once"),
        pm2="The time between SIGINT and SIGKILL when the app is stopped.",
        doc="The time between the stop signal and SIGKILL when the app is stopped.",
        becomes="TimeoutStopSec=",
        fidelity=Fidelity.EXACT,
        example="kill_timeout: 5000",
        flags=(Flag(("--kill-timeout", "-k")),),
    ),
    Option(
        name="kill_retry_time",
        section=Section.STOP,
        type=Duration(),
        default=100,
        pm2="How often PM2 looks whether a process that it stops has ended.",
        doc="Nothing: systemd is told by the kernel.",
        becomes="nothing",
        fidelity=Fidelity.NO_EFFECT,
        difference="nothing is polled here",
        example="kill_retry_time: 100",
    ),
    Option(
        name="treekill",
        section=Section.STOP,
        type=Boolean(),
        default=True,
        pm2="Sends the stop signal to all descendants, children first; false, to the main "
        "process only.",
        doc="Sends the stop signal to every process of the instance; false, to the main process "
        "only.",
        becomes="KillMode=control-group, KillMode=process",
        fidelity=Fidelity.BETTER,
        difference="Children that detached themselves are stopped as well.",
        example="treekill: false",
        flags=(Flag(("--no-treekill",), "nothing", False),),
    ),
    Option(
        name="shutdown_with_message",
        section=Section.STOP,
        type=Boolean(),
        default=False,
        quiet=(False,),
        pm2="Sends the message shutdown to a Node app in place of SIGINT.",
        doc="Sends the message shutdown to a Node app in place of the signal.",
        becomes="a preload for Node",
        fidelity=Fidelity.BETTER,
        difference="An app that hears no messages is stopped by the signal.",
        example="shutdown_with_message: true",
        flags=(Flag(("--shutdown-with-message",), "nothing", True),),
    ),
    Option(
        name="wait_ready",
        section=Section.STOP,
        type=Boolean(),
        default=False,
        pm2="The app counts as started once it called process.send('ready'), or when "
        "listen_timeout is over.",
        doc="The app counts as started once it says so: with process.send('ready') in Node, with "
        "sd_notify (systemd-notify --ready) in any other language.",
        becomes="Type=notify, NotifyAccess=all",
        fidelity=Fidelity.BETTER,
        difference="An app that does not become ready in time has failed.",
        example="wait_ready: true",
        flags=(Flag(("--wait-ready",), "nothing", True),),
    ),
    Option(
        name="listen_timeout",
        section=Section.STOP,
        type=Duration(least=1),
        default=3000,
        zero=Zero("0 means the default of 3000 ms, as in PM2"),
        pm2="How long to wait for an app with wait_ready; after that it counts as started.",
        doc="How long to wait for an app with wait_ready or ready; after that it has failed.",
        becomes="TimeoutStartSec=",
        fidelity=Fidelity.BETTER,
        difference="A timeout is a failure, not a success.",
        example="listen_timeout: 10000",
        flags=(Flag(("--listen-timeout",)),),
    ),
)
