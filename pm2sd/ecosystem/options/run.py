"""Options that say what runs: program, arguments, instances, user."""

from __future__ import annotations

from pm2sd.ecosystem.options.lists import Account, Arguments, Instances
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.numbers import Integer
from pm2sd.ecosystem.options.types import Boolean, Choice, Text, VariableName
from pm2sd.notes import Fidelity

RUN = (
    Option(
        name="script",
        aliases=("exec", "cmd", "command"),
        section=Section.RUN,
        type=Text(),
        required=True,
        pm2="The file to run, relative to cwd; else a program found in PATH. With a space in it, "
        "it is handed to bash -c as a whole, and args are lost.",
        doc="The file to run, relative to cwd; else a program found in PATH; with a space in it, "
        "a command for bash.",
        becomes="ExecStart=",
        fidelity=Fidelity.BETTER,
        difference="A command with a space keeps its args.",
        example="script: app.js",
    ),
    Option(
        name="name",
        section=Section.RUN,
        type=Text("a name"),
        default_text="the script's file name without its extension",
        pm2="The name the app is known and selected by.",
        doc="The name the app is known and selected by, and that its units are named after.",
        becomes="NAME@.service, NAME.target",
        fidelity=Fidelity.EXACT,
        example="name: api",
        flags=(Flag(("--name", "-n")),),
    ),
    Option(
        name="namespace",
        section=Section.RUN,
        type=Text("a name"),
        default="default",
        pm2="A group of apps, which start, stop and restart take in place of a name.",
        doc="A group of apps: a selector, and a target that systemctl can start and stop.",
        becomes="pm2sd-NAMESPACE.target, PartOf=",
        fidelity=Fidelity.EXACT,
        example="namespace: backend",
        flags=(Flag(("--namespace",)),),
    ),
    Option(
        name="cwd",
        section=Section.RUN,
        type=Text("a directory"),
        default_text="the ecosystem file's directory",
        pm2="The working directory, relative to where pm2 was called; ~ is not expanded.",
        doc="The working directory, relative to the ecosystem file; ~ is the home directory.",
        becomes="WorkingDirectory=",
        fidelity=Fidelity.BETTER,
        difference="A relative path does not depend on where the command was called from.",
        example="cwd: ./server",
        flags=(Flag(("--cwd",)),),
    ),
    Option(
        name="args",
        section=Section.RUN,
        type=Arguments(),
        pm2="Arguments for the script. A string is split at blanks outside of quotes; quotes are "
        'dropped, but kept in NAME="a b".',
        doc="Arguments for the script; a string is split as PM2 splits it. Every byte arrives as "
        "written.",
        becomes="ExecStart=",
        fidelity=Fidelity.EXACT,
        example="args: [--port, 3000]",
    ),
    Option(
        name="interpreter",
        aliases=("exec_interpreter", "execInterpreter"),
        section=Section.RUN,
        type=Text("a program"),
        default_text="by the script's extension, its #! line, else node",
        pm2="The program that runs the script: by extension, else none for a binary, else node; "
        "the #! line is ignored. none runs the script itself, node@VERSION a version of nvm's. "
        "Cluster mode ignores it.",
        doc="The program that runs the script; none runs the script itself, node@VERSION takes "
        "that version from nvm, fnm or volta. Resolved to an absolute path when applied.",
        becomes="ExecStart=",
        fidelity=Fidelity.BETTER,
        difference="A #! line is honoured, and cluster mode runs the interpreter that was asked "
        "for. A missing version of Node is reported, not installed.",
        example="interpreter: python3",
        flags=(Flag(("--interpreter",)),),
    ),
    Option(
        name="node_args",
        aliases=("interpreter_args", "interpreterArgs"),
        section=Section.RUN,
        type=Arguments(),
        pm2="Arguments for the interpreter, before the script.",
        doc="Arguments for the interpreter, before the script.",
        becomes="ExecStart=",
        fidelity=Fidelity.EXACT,
        example="node_args: --max-old-space-size=2048",
        flags=(Flag(("--node-args", "--interpreter-args")),),
    ),
    Option(
        name="exec_mode",
        section=Section.RUN,
        type=Choice(
            {"fork": "fork", "fork_mode": "fork", "cluster": "cluster", "cluster_mode": "cluster"},
            "fork or cluster",
        ),
        default_text="cluster for Node where instances is written, else fork",
        pm2="fork runs each instance as a process of its own, cluster as a worker of Node's "
        "cluster module, all behind one port.",
        doc="fork or cluster; every instance is a process of its own in both, and in a cluster "
        "they share the sockets of listen.",
        becomes="instances of NAME@.service, NAME.socket",
        fidelity=Fidelity.BETTER,
        difference="The sockets are systemd's: no connection is lost while instances restart, and "
        "none goes through a manager. Node's cluster.isWorker is false.",
        example="exec_mode: cluster",
    ),
    Option(
        name="execute_command",
        section=Section.RUN,
        type=Boolean(),
        default=False,
        pm2="Forces fork mode.",
        doc="Forces fork mode.",
        becomes="instances of NAME@.service",
        fidelity=Fidelity.EXACT,
        example="execute_command: true",
        flags=(Flag(("--execute-command", "-x"), "nothing", True),),
    ),
    Option(
        name="instances",
        section=Section.RUN,
        type=Instances(),
        default=1,
        pm2="How many processes to run; max or 0 is one per CPU, a negative number that many "
        "fewer than there are CPUs.",
        doc="How many processes to run; max or 0 is one per CPU this user may use, a negative "
        "number that many fewer.",
        becomes="NAME@0.service to NAME@N.service",
        fidelity=Fidelity.EXACT,
        example="instances: max",
        flags=(Flag(("--instances", "-i")),),
    ),
    Option(
        name="increment_var",
        section=Section.RUN,
        type=VariableName(),
        pm2="A variable counted up from instance to instance, beginning with its value in env.",
        doc="A variable counted up from instance to instance, beginning with its value in env.",
        becomes="NAME@N.service.d/10-pm2sd.conf: Environment=",
        fidelity=Fidelity.EXACT,
        example="increment_var: PORT",
    ),
    Option(
        name="instance_var",
        section=Section.RUN,
        type=VariableName(),
        default="NODE_APP_INSTANCE",
        pm2="The variable that holds the number of the instance, from 0.",
        doc="The variable that holds the number of the instance, from 0.",
        becomes="Environment=VARIABLE=%i",
        fidelity=Fidelity.EXACT,
        example="instance_var: INSTANCE_ID",
    ),
    Option(
        name="port",
        section=Section.RUN,
        type=Integer(0, 65535, "a port"),
        pm2="Sets the variable PORT, the same for all instances.",
        doc="Sets the variable PORT, the same for all instances.",
        becomes="Environment=PORT=",
        fidelity=Fidelity.EXACT,
        example="port: 3000",
    ),
    Option(
        name="autostart",
        section=Section.RUN,
        type=Boolean(),
        default=True,
        pm2="false registers the app without starting it; nothing can start it afterwards.",
        doc="false writes the units and starts nothing; pm2sd start starts the app.",
        becomes="whether NAME.target is enabled and started",
        fidelity=Fidelity.BETTER,
        difference="The app can be started later.",
        example="autostart: false",
        flags=(Flag(("--no-autostart",), "nothing", False),),
    ),
    Option(
        name="uid",
        aliases=("user",),
        section=Section.RUN,
        type=Account("a user's name or number"),
        default_text="the user who calls",
        pm2="Runs the app as this user; PM2 itself must run as root.",
        doc="The user that the app runs as, with sudo pm2sd --system apply, whose units are the "
        "machine's own; without --system only the user who calls, since a user's manager runs "
        "nothing as anybody else.",
        becomes="User= (with --system)",
        fidelity=Fidelity.BETTER,
        difference="Without it, --system takes the user who called sudo; nothing runs as root "
        "unless uid says so.",
        example="uid: www-data",
        flags=(Flag(("--uid",)),),
    ),
    Option(
        name="gid",
        section=Section.RUN,
        type=Account("a group's name or number"),
        default_text="the group of the user who calls",
        pm2="Runs the app with this group; PM2 itself must run as root.",
        doc="The group that the app runs with, as uid; without --system only the group of the user "
        "who calls.",
        becomes="Group= (with --system)",
        fidelity=Fidelity.EXACT,
        difference="",
        example="gid: www-data",
        flags=(Flag(("--gid",)),),
    ),
)
