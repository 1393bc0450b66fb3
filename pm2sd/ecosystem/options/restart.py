"""Options that say when an app is started again."""

from __future__ import annotations

from pm2sd.ecosystem.app import UNLIMITED_RESTARTS
from pm2sd.ecosystem.options.lists import ExitCodes
from pm2sd.ecosystem.options.model import Flag, Option, Section, Zero
from pm2sd.ecosystem.options.numbers import LEAST_MEMORY, Duration, Integer, Size
from pm2sd.ecosystem.options.types import Boolean, CronPattern
from pm2sd.notes import Fidelity

RESTART = (
    Option(
        name="autorestart",
        section=Section.RESTART,
        type=Boolean(),
        default=True,
        pm2="Starts the app again whenever it ends, also with exit code 0.",
        doc="Starts the app again whenever it ends, also with exit code 0.",
        becomes="Restart=",
        fidelity=Fidelity.EXACT,
        example="autorestart: false",
        flags=(Flag(("--no-autorestart",), "nothing", False),),
    ),
    Option(
        name="stop_exit_codes",
        section=Section.RESTART,
        type=ExitCodes(),
        zero=Zero("0 counts as exit code 0; PM2 loses it, it only sees [0]", kept=True),
        pm2="Exit codes after which the app is not started again. Death by a signal counts as 0.",
        doc="Exit codes after which the app is not started again, and that count as success.",
        becomes="RestartPreventExitStatus=, SuccessExitStatus=",
        fidelity=Fidelity.BETTER,
        difference="Death by a signal is never taken for exit code 0.",
        example="stop_exit_codes: [0, 3]",
        flags=(Flag(("--stop-exit-codes",), "many"),),
    ),
    Option(
        name="max_restarts",
        section=Section.RESTART,
        type=Integer(
            1,
            UNLIMITED_RESTARTS,
            endless=UNLIMITED_RESTARTS,
            hint="autorestart: false turns restarts off",
        ),
        default=16,
        zero=Zero("0 means the default of 16, as in PM2; autorestart: false turns restarts off"),
        pm2="Gives up at this many exits within min_uptime each, counted only in the first "
        "moments after a start (min_uptime times max_restarts).",
        doc="Gives up after this many starts in a sliding window, as long as that many runs of "
        "min_uptime and the pauses between them; Infinity never gives up.",
        becomes="StartLimitBurst=, StartLimitIntervalSec=",
        fidelity=Fidelity.BETTER,
        difference="The window slides: an app that begins to crash after hours is stopped too.",
        example="max_restarts: 10",
        flags=(Flag(("--max-restarts",)),),
    ),
    Option(
        name="min_uptime",
        section=Section.RESTART,
        type=Duration(least=100),
        default=1000,
        zero=Zero("0 means the default of 1000 ms, as in PM2"),
        pm2="A run shorter than this counts towards max_restarts.",
        doc="The length of a run that sets the window of max_restarts.",
        becomes="StartLimitIntervalSec=",
        fidelity=Fidelity.BETTER,
        difference="See max_restarts.",
        example="min_uptime: 10s",
    ),
    Option(
        name="restart_delay",
        section=Section.RESTART,
        type=Duration(),
        default=0,
        pm2="The pause before the app is started again.",
        doc="The pause before the app is started again.",
        becomes="RestartSec=",
        fidelity=Fidelity.EXACT,
        example="restart_delay: 3000",
        flags=(Flag(("--restart-delay",)),),
    ),
    Option(
        name="exp_backoff_restart_delay",
        section=Section.RESTART,
        type=Duration(),
        zero=Zero(),
        default_text="off",
        pm2="The first pause before a restart; each is half as long again as the one before, up "
        "to 15 s, and starts over after 30 s of running.",
        doc="The first pause before a restart; each is half as long again as the one before, up "
        "to 15 s. Takes the place of restart_delay.",
        becomes="RestartSec=, RestartSteps=, RestartMaxDelaySec= (systemd 254); before that "
        "ExecStartPre=",
        fidelity=Fidelity.EXACT,
        example="exp_backoff_restart_delay: 100",
        flags=(Flag(("--exp-backoff-restart-delay",)),),
    ),
    Option(
        name="max_memory_restart",
        section=Section.RESTART,
        type=Size(LEAST_MEMORY),
        zero=Zero(),
        default_text="no limit",
        pm2="Restarts the app once its main process uses more, looked up every 30 s.",
        doc="The most memory an instance and all its children may use together; the kernel ends "
        "it at once where it takes more, and it is started again.",
        becomes="MemoryMax=, MemorySwapMax=0",
        fidelity=Fidelity.BETTER,
        difference="Children count, nothing is polled, and the limit is never exceeded; the app "
        "gets no signal to end by itself, unless memory_policy is graceful. With autorestart: "
        "false it stays down.",
        example="max_memory_restart: 300M",
        flags=(Flag(("--max-memory-restart",)),),
    ),
    Option(
        name="cron_restart",
        aliases=("cron",),
        section=Section.RESTART,
        type=CronPattern(),
        zero=Zero(),
        default_text="off",
        pm2="Restarts the app by the clock, also one that was stopped; 5 fields, or 6 with "
        "seconds.",
        doc="Restarts the app by the clock, in the local time zone: 5 fields, or 6 with seconds "
        "first; also L, 5L, 1#2 and @daily.",
        becomes="a .timer with OnCalendar=",
        fidelity=Fidelity.BETTER,
        difference="Only instances that run are restarted; one that was stopped stays so.",
        example='cron_restart: "0 3 * * *"',
        flags=(Flag(("--cron-restart", "--cron", "-c")),),
    ),
)
