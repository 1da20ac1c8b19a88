"""The external suites: how each is run, on what server, and what its lines say.

A case is (name, "pass" | "fail" | "skip", words). Suites of the conformance folder print a line a
case, "pass NAME  ...", "FAIL NAME  ..." or "skip NAME  ...", or only "N passed, N failed" at their
end. The programs of the peers folder (Java's tools, Kafka Streams, Flink, Spark) are one case each.
"""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]

# Why cases do not pass, where it is known.
TLS = "wants TLS, which does not exist yet"
SASL = "wants SASL, which does not exist yet"
ACLS = "wants an authorizer; without one ACLs are refused with SECURITY_DISABLED, as Kafka does"
AS_KAFKA = "Apache Kafka 4.3.1 fails it at the same place"
SLOW = "its time is too short; passes with test.timeout.multiplier=3, which its authors' CI has"
BROKEN = "left out by its authors as a known issue"
REASONS = {
    "0028_long_topicnames": BROKEN,
    "0045_resubscribe_with_regex": "counts on literal names being assigned before the pattern; "
    + AS_KAFKA,
    "0045_subscribe_many_updates": SLOW + "; " + AS_KAFKA,
    "0045_subscribe_update": "passes, but its number is counted as one where a test of it has "
    "to be stopped",
    "0047_partial_buf_tmout": BROKEN,
    "0081_admin": ACLS,
    "0084_destroy_flags": "left out by its authors with this protocol",
    "0092_mixed_msgver": "wants message format 1, which Kafka 4 does not have",
    "0097_ssl_verify": TLS,
    "0101_fetch_from_follower": "wants three brokers in racks",
    "0109_auto_create_topics": ACLS,
    "0113_cooperative_rebalance": "counts on a session of 6 s, which only the server can set "
    "(group.consumer.session.timeout.ms); " + AS_KAFKA,
    "0115_producer_auth": ACLS,
    "0119_consumer_auth": ACLS,
    "0126_oauthbearer_oidc": SASL,
    "0132_strategy_ordering": "of the classic protocol only",
    "0135_sasl_credentials": SASL,
    "0142_reauthentication": SASL,
    "0170_share_consumer_subscription": SLOW,
    "TestIssueProduceBrokerTooOldFailsRecords": "for brokers that do not list Produce 2; "
    "Kafka 4 lists it too",
}


@dataclasses.dataclass
class Suite:
    client: str  # What it speaks with, and which version.
    run: object  # run(folders, server, out): writes what it prints to the open file `out`.
    settings: tuple = ()  # Of the server.
    folder: str = "conformance"  # Whose scripts it needs.
    reasons: dict = dataclasses.field(default_factory=dict)  # Why a case does not pass, if known.
    choose: object = None  # run of the cases with these names only, where the suite can.
    counts: object = None  # Whether the case with this name is of this suite; None: all are.
    quotes: bool = False  # Its words quote its texts: the page shows a condition, or none of them.


@dataclasses.dataclass
class Result:
    cases: list
    passed: int
    failed: int
    skipped: int


def read_cases(text, counts=None):
    """What a suite printed, as a Result; None when it did not come to its end.

    Of a suite that was run in parts, the last outcome of each case counts. With `counts`, only
    cases whose names it accepts are there.
    """
    cases = []
    for line in text.splitlines():
        found = re.match(r"(pass|FAIL|skip) (.+?)(?:  +(.*))?$", line)
        score = re.fullmatch(r"(\S+): (\d+) of (\d+)", line)
        if found:
            cases.append((found[2], found[1].lower(), (found[3] or "").strip()))
        elif score:  # A file of many cases.
            whole = score[2] == score[3]
            cases.append((score[1], "pass" if whole else "fail", f"{score[2]} of {score[3]} pass"))
    totals = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", text, re.M)
    if len(totals) == 1 and not counts:
        return Result(cases, *(int(number or 0) for number in totals[0]))
    if not cases:
        return None
    if totals:
        cases = list({case[0]: case for case in cases}.values())
    if counts:
        cases = [case for case in cases if counts(case[0])]
    kinds = [kind for _, kind, _ in cases]
    return Result(cases, kinds.count("pass"), kinds.count("fail"), kinds.count("skip"))


def call(out, *command, environment=None, seconds=3600, input=None):
    """Run one command; what it prints goes to `out`. Its exit code, 124 when time ran out."""
    out.flush()
    try:
        return subprocess.run(
            [str(word) for word in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            input=input,
            timeout=seconds,
            env={**os.environ, **(environment or {})},
        ).returncode
    except subprocess.TimeoutExpired:
        return 124


def case(out, name, *command, expect=None, environment=None, seconds=300, input=None):
    """One command as one case: it passes with exit code 0 and, if given, `expect` in its output."""
    with tempfile.TemporaryFile("w+") as printed:
        code = call(
            printed, *command, environment=environment, seconds=seconds, input=input
        )
        printed.seek(0)
        text = printed.read()
    print(f"== {name}\n{text}", file=out)
    if code == 0 and (expect is None or re.search(expect, text)):
        print(f"pass {name}", file=out, flush=True)
        return
    last = (text.strip().splitlines() or [""])[-1][:160]
    print(f"FAIL {name}  {f'ended with {code}: ' if code else 'unexpected: '}{last}", file=out)
    out.flush()


def kafka_path(scripts, folder):
    """A folder that looks like an installed Kafka: bin/kafka-topics.sh and so on."""
    (folder / "bin").mkdir(parents=True)
    for name in ("topics", "configs", "acls", "consumer-groups"):
        script = folder / "bin" / f"kafka-{name}.sh"
        script.write_text(f'#!/bin/sh\nexec "{scripts / "kafka"}" tool kafka-{name} "$@"\n')
        script.chmod(0o755)
    here = pathlib.Path.home() / ".cache" / "millrace-peers"
    libs = pathlib.Path(os.environ.get("MILLRACE_PEERS", here)) / "kafka" / "lib"
    (folder / "libs").symlink_to(libs)
    script = folder / "bin" / "kafka-run-class.sh"
    script.write_text(f'#!/bin/sh\nexec java -cp "$CLASSPATH:{libs}/*" "$@"\n')
    script.chmod(0o755)
    return folder


def librdkafka(folders, server, out, environment, words):
    with tempfile.TemporaryDirectory() as place:
        settings = dict(environment or {})
        scripts = folders.get("peers")
        if scripts and call(out, scripts / "kafka", "install") == 0:
            settings["KAFKA_PATH"] = str(kafka_path(scripts, pathlib.Path(place) / "kafka"))
        script = folders["conformance"] / "librdkafka"
        call(out, script, "-seconds", "900", server.brokers, *words, environment=settings)


def java_tools(folders, server, out):
    scripts = folders["peers"]
    call(out, scripts / "kafka", "install")
    at = ("--bootstrap-server", server.brokers)

    def tool(name, program, *words, **more):
        case(out, name, scripts / "kafka", "tool", program, *at, *words, **more)

    tool("kafka-topics --create", "kafka-topics", "--create", "--topic", "java", "--partitions", 3)
    load = ("--topic", "java", "--num-records", 20000, "--record-size", 100, "--throughput", -1)
    tool("kafka-producer-perf-test", "kafka-producer-perf-test", *load, expect="20000 records sent")
    tool(
        "kafka-producer-perf-test, transactions",
        "kafka-producer-perf-test",
        *load,
        "--transactional-id",
        "java-txn",
        "--transaction-duration-ms",
        100,
        expect="20000 records sent",
    )
    for protocol in ("classic", "consumer"):
        tool(
            f"kafka-console-consumer, {protocol} group",
            "kafka-console-consumer",
            *("--topic", "java", "--from-beginning", "--max-messages", 40000),
            *("--group", f"java-{protocol}", "--isolation-level", "read_committed"),
            *("--command-property", f"group.protocol={protocol}", "--timeout-ms", 60000),
            expect="Processed a total of 40000 messages",
        )
        tool(
            f"kafka-consumer-groups --describe, {protocol} group",
            "kafka-consumer-groups",
            *("--describe", "--group", f"java-{protocol}"),
            expect=rf"java-{protocol}\s+java\s+0",
        )
        tool(
            f"kafka-verifiable-producer and -consumer, {protocol} group",
            "kafka-verifiable-producer",
            *("--topic", f"verifiable-{protocol}", "--max-messages", 1000),
            expect='"acked":1000',
        )
        tool(
            f"kafka-verifiable-consumer, {protocol} group",
            "kafka-verifiable-consumer",
            *("--topic", f"verifiable-{protocol}", "--group-id", f"verifiable-{protocol}"),
            *("--max-messages", 1000, "--reset-policy", "earliest"),
            *("--group-protocol", protocol),
            expect="records_consumed",
        )
    tool("kafka-transactions list", "kafka-transactions", "list", expect="java-txn")
    tool(
        "kafka-configs --alter",
        "kafka-configs",
        *("--alter", "--topic", "java", "--add-config", "retention.ms=100000000"),
    )
    tool("kafka-get-offsets", "kafka-get-offsets", "--topic", "java", expect=r"java:0:\d+")
    tool("kafka-log-dirs", "kafka-log-dirs", "--describe", expect='"java-0"')
    tool("kafka-features", "kafka-features", "describe", expect="transaction.version")
    tool(
        "kafka-metadata-quorum", "kafka-metadata-quorum", "describe", "--status", expect="LeaderId"
    )
    tool("kafka-groups", "kafka-groups", "--list", expect="java-consumer")
    case(
        out,
        "kafka-cluster",
        *(scripts / "kafka", "tool", "kafka-cluster", "cluster-id", *at),
        expect="Cluster ID",
    )
    tool("kafka-topics --delete", "kafka-topics", "--delete", "--topic", "java")
    tool("kafka-topics --create, shared", "kafka-topics", "--create", "--topic", "shared")
    tool("kafka-share-groups", "kafka-share-groups", "--list")


def kafka_streams(folders, server, out):
    script = folders["peers"] / "kstreams"
    call(out, script, "install")
    for name, options in {
        "exactly_once_v2, classic group": "",
        "at_least_once, classic group": "-Dguarantee=at_least_once",
        "exactly_once_v2, streams group": "-Dprotocol=streams",
    }.items():
        case(
            out,
            f"word count, {name}",
            script,
            "run",
            20000,
            environment={"BROKER": server.brokers, "STREAMS_OPTS": options},
        )


def flink(folders, server, out):
    script = folders["peers"] / "flink"
    call(out, script, "install")
    call(out, script, "start")
    case(out, "write JSON, count in windows", script, "check", server.brokers, 100000)
    call(out, script, "stop")


def spark(folders, server, out):
    script = folders["peers"] / "spark"
    call(out, script, "install")
    call(out, script, "start")
    case(out, "write, read as batch and as stream", script, "kafka", server.brokers)
    call(out, script, "stop")


def kafkajs(_, server, out):
    with tempfile.TemporaryDirectory() as place:
        call(out, "npm", "install", "--silent", "--prefix", place, "kafkajs@2.2.4")
        modules = {"NODE_PATH": f"{place}/node_modules"}
        script = TESTS / "clients" / "kafkajs.js"
        call(out, "node", script, server.brokers, environment=modules, seconds=300)


def script(name, *words):
    """A suite that is one program of the conformance folder."""

    def start(folders, server, out):
        known = {"brokers": server.brokers, "remote": server.remote}
        program = folders["conformance"] / name
        interpreter = [sys.executable, "-W", "ignore"] if program.suffix == ".py" else []
        call(out, *interpreter, program, *(word.format(**known) for word in words))

    return start


# These are for a server that makes no topic unasked; the others are for one that does.
UNASKED = {
    "0045_subscribe_update_topic_remove",
    "0045_subscribe_update_non_exist_and_partchange",
    "0107_topic_recreate",
    "0111_delay_create_topics",
}


def numbers(names):
    return list(dict.fromkeys(name[:4] for name in names))


def librdkafka_suite(client, environment=None, makes_topics=True):
    words = () if makes_topics else ("-scenario", "noautocreate")
    every = () if makes_topics else numbers(sorted(UNASKED))

    def choose(folders, server, out, names):
        librdkafka(folders, server, out, environment, (*words, *numbers(names)))

    return Suite(
        client,
        lambda *given: librdkafka(*given, environment, (*words, *every)),
        settings=(
            "num.partitions=4",
            # Some tests count on Kafka's pause before a group's first rebalance.
            "group.initial.rebalance.delay.ms=3000",
            # As the servers that its authors test with.
            "group.share.min.record.lock.duration.ms=1000",
            f"auto.create.topics.enable={str(makes_topics).lower()}",
        ),
        reasons=REASONS,
        choose=choose,
        counts=lambda name: (name in UNASKED) != makes_topics,
    )


def franz_go(folders, server, out, names=()):
    chosen = ("-run", f"^({'|'.join(names)})$") if names else ()
    call(out, folders["conformance"] / "franz-go", server.brokers, "-seconds", "120", *chosen)


SUITES = {
    "librdkafka": librdkafka_suite("librdkafka 2.15.1"),
    "librdkafka, consumer groups": librdkafka_suite(
        "librdkafka 2.15.1, group.protocol=consumer",
        {"TEST_CONSUMER_GROUP_PROTOCOL": "consumer"},
    ),
    "librdkafka, scenario noautocreate": librdkafka_suite(
        "librdkafka 2.15.1", makes_topics=False
    ),
    "franz-go": Suite("franz-go 1.22.2", franz_go, reasons=REASONS, choose=franz_go),
    "kafkajs": Suite("kafkajs 2.2.4", kafkajs, folder=""),
    "java-tools": Suite("Apache Kafka 4.3.1, Java", java_tools, folder="peers"),
    "kafka-streams": Suite("Kafka Streams 4.3.1", kafka_streams, folder="peers"),
    "flink": Suite("Flink 2.2.1, Kafka connector 5.0.0", flink, folder="peers"),
    "spark": Suite("Spark 4.2.0, Kafka source and sink", spark, folder="peers"),
    "spark_functions": Suite(
        "PySpark 4.2.0", script("spark_functions.py", "{remote}"), quotes=True
    ),
    "pyspark_doctests": Suite(
        "PySpark 4.2.0", script("pyspark_doctests.py", "--remote", "{remote}"), quotes=True
    ),
    "spark_golden_sql, queries": Suite(
        "PySpark 4.2.0",
        script("spark_golden_sql.py", "{remote}", "--list", "queries"),
        quotes=True,
    ),
    "spark_golden_sql, views": Suite(
        "PySpark 4.2.0", script("spark_golden_sql.py", "{remote}", "--list", "views"), quotes=True
    ),
}
