from __future__ import annotations

from pathlib import Path

import pytest

from pm2sd.ecosystem.shebang import Shebang, parse_shebang
from tests.ecosystem.resolving.world import ELF, World, about


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("run.sh", "bash"),
        ("work.py", "python3"),
        ("app.rb", "ruby"),
        ("site.php", "php"),
        ("old.pl", "perl"),
        ("app.js", "node"),
        ("app.mjs", "node"),
        ("git.process.index.cjs", "node"),
        ("app.coffee", "coffee"),
        ("app.ls", "lsc"),
        ("app.ts", "bun"),
        ("app.tsx", "bun"),
    ],
)
def test_the_extension_says_what_runs_a_script(world: World, script: str, program: str) -> None:
    world.program("python", "node")
    path = world.program(program)
    file = world.write(script)
    app = world.app(script=script, args=["a b", ""], node_args="--flag")
    assert app.command == (path, "--flag", file, "a b", "")
    assert (app.script, app.interpreter, app.interpreter_args) == (file, path, ("--flag",))


def test_python_serves_where_there_is_no_python3(world: World) -> None:
    python = world.program("python")
    world.write("work.py")
    assert world.app(script="work.py").interpreter == python


def test_typescript_without_bun_is_run_by_node_with_a_note(world: World) -> None:
    node = world.program("node")
    world.write("app.ts")
    resolved = world.resolve(script="app.ts")
    assert resolved.app
    assert resolved.app.interpreter == node
    assert "22.18" in about(resolved.notes, "interpreter")


def test_an_extension_without_its_program_is_a_problem_of_the_script(world: World) -> None:
    world.write("work.py")
    key, message, hint = world.problem(script="work.py")
    assert key == "apps[0].script"
    assert message == "python3 or python, which runs .py files, is not in PATH"
    assert hint.startswith("install python")


def test_a_binary_is_executed_itself(world: World) -> None:
    world.program("node")
    file = world.write("server", ELF, executable=True)
    app = world.app(script="./server", args="-v")
    assert (app.command, app.interpreter) == ((file, "-v"), "none")


def test_a_binary_that_may_not_be_executed_is_a_problem(world: World) -> None:
    file = world.write("tool.jar", b"PK\3\4\0\0")
    key, message, hint = world.problem(script="tool.jar")
    assert key == "apps[0].script"
    assert message == f"{file} may not be executed"
    assert "interpreter" in hint


def test_an_executable_with_a_first_line_is_executed_itself(world: World) -> None:
    world.program("node", "python3")
    file = world.write("gunicorn", "#!/usr/bin/env python3\n", executable=True)
    app = world.app(script="gunicorn")
    assert (app.command, app.interpreter) == ((file,), "none")
    assert app.env["PYTHONUNBUFFERED"] == "1"


def test_a_script_that_may_not_be_executed_goes_to_its_first_lines_program(world: World) -> None:
    python = world.program("python3")
    file = world.write("server", "#!/usr/bin/env -S python3 -X dev\nprint()\n")
    app = world.app(script="server", args="--port 1")
    assert app.command == (python, "-X", "dev", file, "--port", "1")


def test_interpreter_args_reach_the_program_of_the_first_line(world: World) -> None:
    ruby = world.program("ruby")
    file = world.write("rails", f"#!{ruby} -w\n", executable=True)
    assert world.app(script="rails", node_args="-d").command == (ruby, "-w", "-d", file)


def test_a_node_script_of_node_modules_is_run_by_node_through_its_link(world: World) -> None:
    node = world.program("node")
    target = world.write("node_modules/next/bin/next", "#!/usr/bin/env node\n", executable=True)
    link = Path(world.base, "node_modules/.bin/next")
    link.parent.mkdir()
    link.symlink_to(target)
    app = world.app(script="node_modules/.bin/next", args="start", node_args="--max-old=1")
    assert app.command == (node, "--max-old=1", str(link), "start")
    assert app.interpreter == node


def test_a_shell_shim_of_node_modules_is_not_run_by_node(world: World) -> None:
    """As pnpm writes them; PM2 gives them to Node, which fails on them."""
    world.program("node")
    shell = world.program("sh")
    file = world.write("node_modules/.bin/vite", f"#!{shell}\n", executable=True)
    app = world.app(script="./node_modules/.bin/vite")
    assert app.command == (shell, file)
    assert app.interpreter == shell


@pytest.mark.parametrize(
    ("line", "asked", "hint"),
    [
        ("#!/srv/gone/bin/python3\n", "'/srv/gone/bin/python3'", "install python3"),
        ("#!/usr/bin/env gone\n", "'gone'", "install gone"),
        ("#!/usr/bin/env python3 -u\n", "'python3 -u'", "-S"),
        ("#!/bin/bash\r\nexit\r\n", r"'/bin/bash\r'", "line ends"),
    ],
)
def test_a_first_line_that_asks_for_what_is_not_there(
    world: World, line: str, asked: str, hint: str
) -> None:
    world.program("python3")
    file = world.write("tool", line, executable=True)
    key, message, said = world.problem(script="tool")
    assert key == "apps[0].script"
    assert message == f"the first line of {file} asks for {asked}, which is not there"
    assert hint in said


def test_a_text_without_a_first_line_is_run_by_node_as_in_pm2(world: World) -> None:
    node = world.program("node")
    file = world.write("bin/www", "require('../app')\n")
    resolved = world.resolve(script="bin/www")
    assert resolved.app
    assert resolved.app.command == (node, file)
    assert "Node runs it" in about(resolved.notes, "interpreter")


def test_interpreter_none_executes_the_script(world: World) -> None:
    file = world.write("job.sh", "#!/bin/sh\n", executable=True)
    resolved = world.resolve(script="job.sh", interpreter="none", node_args="-x")
    assert resolved.app
    assert resolved.app.command == (file,)
    assert about(resolved.notes, "node_args").startswith("no effect")


def test_interpreter_none_gives_a_text_without_a_first_line_to_sh(world: World) -> None:
    shell = world.program("sh")
    file = world.write("job", "echo hi\n", executable=True)
    assert world.app(script="job", interpreter="none").command == (shell, file)


def test_interpreter_none_needs_an_executable_file(world: World) -> None:
    file = world.write("job.sh", "#!/bin/sh\n")
    assert world.problem(script="job.sh", interpreter="none") == (
        "apps[0].script",
        f"{file} may not be executed",
        f"chmod +x {file}, or name the interpreter that runs it",
    )


def test_what_a_hint_says_to_run_is_quoted_for_the_shell(world: World) -> None:
    file = world.write("my job.sh", "#!/bin/sh\n")
    hint = world.problem(script="my job.sh", interpreter="none")[2]
    assert hint == f"chmod +x '{file}', or name the interpreter that runs it"


def test_a_named_interpreter_is_found_in_the_apps_own_path_first(world: World) -> None:
    world.program("php")
    own = world.write("tools/php", ELF, executable=True)
    file = world.write("artisan", "#!/usr/bin/env php\n")
    path = str(Path(own).parent)
    app = world.app(script="artisan", args="queue:work", interpreter="php", env={"PATH": path})
    assert app.command == (own, file, "queue:work")


def test_a_relative_interpreter_is_found_from_cwd_then_from_the_file(world: World) -> None:
    world.write("sub/app.py")
    above = world.write("venv/bin/python", ELF, executable=True)
    options = {"script": "app.py", "cwd": "sub", "interpreter": "./venv/bin/python"}
    assert world.app(**options).interpreter == above
    below = world.write("sub/venv/bin/python", ELF, executable=True)
    assert world.app(**options).interpreter == below


def test_the_link_of_a_virtual_environment_is_kept(world: World) -> None:
    python = world.program("python3")
    link = Path(world.base, "venv/bin/python")
    link.parent.mkdir(parents=True)
    link.symlink_to(python)
    world.write("app.py")
    assert world.app(script="app.py", interpreter="venv/bin/python").interpreter == str(link)


def test_an_interpreter_below_the_home_directory(world: World) -> None:
    path = world.write(f"{world.home}/.deno/bin/deno", ELF, executable=True)
    file = world.write("main.ts")
    app = world.app(script="main.ts", interpreter="~/.deno/bin/deno", interpreter_args="run -A")
    assert app.command == (path, "run", "-A", file)


def test_a_named_interpreter_that_is_not_there(world: World) -> None:
    world.write("app.py")
    local = world.write("node_modules/.bin/ts-node", "#!/usr/bin/env node\n", executable=True)
    assert world.is_executable(local)
    key, message, hint = world.problem(script="app.py", interpreter="ts-node")
    assert (key, message) == ("apps[0].interpreter", "ts-node is not in PATH")
    assert hint == "write interpreter: ./node_modules/.bin/ts-node"


def test_a_program_that_goes_by_another_name_here_is_named(world: World) -> None:
    world.write("app.py")
    assert world.problem(script="app.py", interpreter="python")[2].startswith("install python")
    world.program("python3")
    assert world.problem(script="app.py", interpreter="python") == (
        "apps[0].interpreter",
        "python is not in PATH",
        "write interpreter: python3, which is in PATH",
    )


def test_a_shell_variable_in_an_interpreter_is_explained(world: World) -> None:
    world.write("app.py")
    key, message, hint = world.problem(script="app.py", interpreter="${PYTHON_DIR}/python")
    assert key == "apps[0].interpreter"
    assert message.startswith("there is no interpreter ")
    assert "not expanded" in hint


def test_an_interpreter_that_may_not_be_executed(world: World) -> None:
    world.write("app.py")
    path = world.write("venv/bin/python", ELF)
    key, message, hint = world.problem(script="app.py", interpreter="venv/bin/python")
    assert key == "apps[0].interpreter"
    assert message == f"the interpreter {path} may not be executed"
    assert hint == f"chmod +x {path}"


def test_script_and_interpreter_are_both_reported(world: World) -> None:
    resolved = world.resolve(script="gone.js", interpreter="gone")
    assert [problem.where and problem.where.key for problem in resolved.problems] == [
        "apps[0].interpreter",
        "apps[0].script",
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("node@20", ".nvm/versions/node/v20.11.1/bin/node"),
        ("node@20.9", ".volta/tools/image/node/20.9.0/bin/node"),
        ("node@v20.9.0", ".volta/tools/image/node/20.9.0/bin/node"),
        ("node@22", ".local/share/fnm/node-versions/v22.2.0/installation/bin/node"),
        ("node@18.2.0", ".nvm/versions/node/v18.2.0/bin/node"),
    ],
)
def test_a_version_of_node_is_taken_from_its_manager(world: World, wanted: str, found: str) -> None:
    for path in (
        ".nvm/versions/node/v18.2.0/bin/node",
        ".nvm/versions/node/v20.2.0/bin/node",
        ".nvm/versions/node/v20.11.1/bin/node",
        ".local/share/fnm/node-versions/v22.2.0/installation/bin/node",
        ".volta/tools/image/node/20.9.0/bin/node",
        ".volta/tools/image/node/18.2.0/bin/node",
    ):
        world.write(f"{world.home}/{path}", ELF, executable=True)
    world.write("app.js")
    app = world.app(script="app.js", interpreter=wanted)
    assert app.interpreter == f"{world.home}/{found}"


def test_nvm_dir_moves_nvm(world: World) -> None:
    path = world.write(f"{world.home}/n/versions/node/v20.1.0/bin/node", ELF, executable=True)
    world.write("app.js")
    world.environ = {**world.environ, "NVM_DIR": f"{world.home}/n"}
    assert world.app(script="app.js", interpreter="node@20").interpreter == path


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("node@21", "Node 21 is not installed by nvm, fnm or volta"),
        ("node@2", "Node 2 is not installed by nvm, fnm or volta"),
        ("node@lts", "'lts' is no version of Node"),
    ],
)
def test_a_version_of_node_that_is_not_installed(world: World, wanted: str, message: str) -> None:
    world.write(f"{world.home}/.nvm/versions/node/v20.1.0/bin/node", ELF, executable=True)
    world.write("app.js")
    key, said, hint = world.problem(script="app.js", interpreter=wanted)
    assert (key, said) == ("apps[0].interpreter", message)
    assert hint.endswith("installed: 20.1.0 (nvm)")


def test_without_node_in_path_an_installed_version_is_proposed(world: World) -> None:
    world.write(f"{world.home}/.nvm/versions/node/v20.1.0/bin/node", ELF, executable=True)
    world.write("app.js")
    _, message, hint = world.problem(script="app.js")
    assert message == "node, which runs .js files, is not in PATH"
    assert hint == "write interpreter: node@20.1.0, which nvm has installed"


def test_a_node_that_lasts_only_as_long_as_the_shell_is_noted(world: World) -> None:
    path = world.write(f"{world.root}/fnm_multishells/1_2/bin/node", ELF, executable=True)
    world.write("app.js")
    world.environ = {"PATH": str(Path(path).parent)}
    resolved = world.resolve(script="app.js")
    assert resolved.app
    assert "gone" in about(resolved.notes, "script")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", None),
        (b"no", None),
        (b"#!\n", None),
        (b"#! /bin/sh \t\n", Shebang("#! /bin/sh \t", "/bin/sh")),
        (b"#!/bin/bash -eu -x\n", Shebang("#!/bin/bash -eu -x", "/bin/bash", ("-eu -x",))),
        (b"#!/usr/bin/env node", Shebang("#!/usr/bin/env node", "node")),
        (b"#!/usr/bin/env", Shebang("#!/usr/bin/env", "/usr/bin/env")),
        (
            b"#!/usr/bin/env -S deno run -A\n",
            Shebang("#!/usr/bin/env -S deno run -A", "deno", ("run", "-A")),
        ),
        (
            b"#!/usr/bin/env -S A='b c' node\n",
            Shebang("#!/usr/bin/env -S A='b c' node", "/usr/bin/env", ("-S A='b c' node",)),
        ),
    ],
)
def test_first_lines_are_read_as_the_kernel_and_env_read_them(
    head: bytes, expected: Shebang | None
) -> None:
    assert parse_shebang(head) == expected


def test_a_program_of_a_package_that_is_not_installed(world: World) -> None:
    hint = f"there is no node_modules in {world.base}: npm install makes it"
    assert world.problem(script="node_modules/next/dist/bin/next")[2] == hint
    world.write("app.ts")
    assert world.problem(script="app.ts", interpreter="./node_modules/.bin/ts-node")[2] == hint
