"""What `cmake --install` puts down is enough for a project of its own."""

import os
import pathlib

from support.server import REPOSITORY, binary, run


def test_a_project_that_finds_the_package_builds_and_runs(tmp_path):
    build = pathlib.Path(binary()).resolve().parent
    prefix = tmp_path / "installed"
    run("cmake", "--install", build, "--prefix", prefix, seconds=120)
    settings = ["-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_BUILD_TYPE=Release",
                f"-DCMAKE_PREFIX_PATH={prefix}"]
    run("cmake", "-S", REPOSITORY / "examples", "-B", tmp_path / "build", "-G", "Ninja", *settings,
        seconds=120)
    run("cmake", "--build", tmp_path / "build", seconds=300)

    # The tree must not need the place it was built in.
    assert "build/release" not in run("readelf", "-d", prefix / "lib/libmillrace.so")
    output = run("env", "-u", "LD_LIBRARY_PATH", tmp_path / "build/quick_start")
    assert output == (
        "+---------+----+-----+\n"
        "|     page|hits|bytes|\n"
        "+---------+----+-----+\n"
        "|        /|   2|14560|\n"
        "|/ksc.html|   1| 7280|\n"
        "+---------+----+-----+\n"
        "\n"
        "3 page views\n"
    )
    assert os.access(prefix / "bin/millrace", os.X_OK)
    assert run(prefix / "bin/millrace", "version").startswith("millrace ")
