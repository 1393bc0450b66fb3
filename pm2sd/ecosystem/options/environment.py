"""Options that say which variables an app gets."""

from __future__ import annotations

from pm2sd.ecosystem.options.lists import Environment, Strings
from pm2sd.ecosystem.options.model import Flag, Option, Section
from pm2sd.ecosystem.options.types import Boolean, Either
from pm2sd.notes import Fidelity

ENVIRONMENT = (
    Option(
        name="env",
        section=Section.ENVIRONMENT,
        type=Environment(),
        pm2="Variables, on top of the whole environment of the shell that called; objects become "
        "JSON, null is left out. What was set once stays set until the app is deleted.",
        doc="Variables: exactly what the file says, on every apply. Objects become JSON, null is "
        "left out.",
        becomes="Environment=",
        fidelity=Fidelity.BETTER,
        difference="A variable taken out of the file is taken from the app; of the calling shell "
        "only PATH and inherit_env are carried over; options do not become variables.",
        example="env: {NODE_ENV: production, PORT: 3000}",
    ),
    Option(
        name="filter_env",
        section=Section.ENVIRONMENT,
        type=Either((Boolean(), Strings()), "true, false, a name, or a list of parts of names"),
        default=False,
        pm2="Drops variables of the calling shell: those whose name contains an element of the "
        "list, or one name given as a string. true does nothing.",
        doc="Drops variables taken from the calling shell (PATH and inherit_env): those whose name "
        "contains an element of the list, one name given as a string, or all with true.",
        becomes="Environment=",
        fidelity=Fidelity.BETTER,
        difference="With true, all of them are dropped.",
        example="filter_env: [SECRET, TOKEN]",
        flags=(Flag(("--filter-env",), "many"),),
    ),
    Option(
        name="append_env_to_name",
        section=Section.ENVIRONMENT,
        type=Boolean(),
        default=False,
        pm2="Adds -ENV to the name where --env ENV is given.",
        doc="Adds -ENV to the name where --env ENV is given.",
        becomes="NAME-ENV@.service",
        fidelity=Fidelity.EXACT,
        example="append_env_to_name: true",
    ),
)

# The row of every env_NAME block: one option in the table, a key for each NAME in a file.
ENV_BLOCK = Option(
    name="env_NAME",
    section=Section.ENVIRONMENT,
    type=Environment(),
    pm2="Variables that --env NAME puts on top of env, and of those in deploy.NAME.env.",
    doc="Variables that --env NAME puts on top of env, and of those in deploy.NAME.env.",
    becomes="Environment=",
    fidelity=Fidelity.EXACT,
    example="env_production: {NODE_ENV: production}",
)
