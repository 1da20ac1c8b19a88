"""Shell completion: the scripts in the shells that are there, and what the program offers them."""

import os
import pathlib
import shutil
import subprocess

import pytest

from support.cli import run_cli
from support.server import REPOSITORY, binary


def offered(cli, *words):
    done = cli("__complete", *words)
    assert done.code == 0 and done.err == ""
    return done.out.split()


def in_bash(server, line):
    script = f"""
        millrace() {{ "{binary()}" "$@"; }}
        source <("{binary()}" completion bash)
        COMP_LINE={line!r} COMP_POINT={len(line)}
        COMP_WORDS=($COMP_LINE)
        [[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _millrace
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "MILLRACE_BROKERS": server.brokers})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def test_names_of_topics_and_groups_are_offered(cli, server):
    cli("topic", "create", "weblog", "windows", "other")
    assert offered(cli, "consume", "w") == ["weblog", "windows"]
    assert offered(cli, "topic", "describe", "weblog", "win") == ["windows"]
    cli("produce", "weblog", input="x\n")
    cli("consume", "weblog", "-G", "readers", "-c", "1")
    assert "readers" in offered(cli, "group", "describe", "")
    assert "readers" in offered(cli, "consume", "weblog", "-G", "")


def test_commands_options_and_values_are_offered(cli):
    assert {"topic", "group", "consume", "completion"} <= set(offered(cli, ""))
    assert offered(cli, "topic", "cre") == ["create"]
    assert offered(cli, "group", "seek", "g", "--to-") == ["--to-file", "--to-group"]
    assert offered(cli, "topic", "list", "-o", "js") == ["json", "jsonl"]
    assert offered(cli, "produce", "t", "-z", "z") == ["zstd"]


def test_a_cluster_that_does_not_answer_offers_nothing():
    done = run_cli("__complete", "consume", "", brokers="127.0.0.1:1")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_bash_completes_lines(cli, server):
    cli("topic", "create", "bash-a", "bash-b")
    assert in_bash(server, "millrace consume bash-") == ["bash-a", "bash-b"]
    assert in_bash(server, "millrace topic des") == ["describe"]
    assert in_bash(server, f"millrace consume -b {server.brokers} bash-b") == ["bash-b"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_ones_that_their_shell_can_read(shell):
    script = run_cli("completion", shell).out
    assert "__complete" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_the_page_of_the_command_line_is_the_programs_own():
    page = (pathlib.Path(REPOSITORY) / "docs/cli.md").read_text()
    assert run_cli("__docs").out == page, "write it: millrace __docs > docs/cli.md"
