"""The bodies of requests that the scenarios share, and the steps that each begins with."""

import time

RUN = str(int(time.time()))  # A Kafka that goes on running has topics of earlier runs.


def name(of):
    return f"{of}-{RUN}"


def topic(wire, of, partitions=1, **configs):
    """Make a topic and wait for its leaders; its id."""
    settings = [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]
    made = wire.call(
        "CREATE_TOPICS",
        7,
        {
            "topics": [
                {
                    "name": name(of),
                    "numPartitions": partitions,
                    "replicationFactor": 1,
                    "configs": settings,
                }
            ],
            "timeoutMs": 30000,
        },
    )
    assert made["topics"][0]["errorCode"] == 0, made
    told = wire.settled(
        "METADATA",
        12,
        {"topics": [{"name": name(of)}], "allowAutoTopicCreation": False},
        until=lambda answer: answer["topics"][0]["errorCode"] == 0
        and len(answer["topics"][0]["partitions"]) == partitions,
    )
    return told["topics"][0]["topicId"]


def coordinator(wire, key, kind):
    """Ask until the coordinator of that key is there."""
    wire.settled("FIND_COORDINATOR", 6, {"keyType": kind, "coordinatorKeys": [key]})


def produce(of, values, version=9, transactional=None, acks=-1, **batch):
    """The body of a request with one batch."""
    return {
        "transactionalId": transactional,
        "acks": acks,
        "timeoutMs": 30000,
        "topicData": [
            {
                "name": name(of),
                "partitionData": [
                    {
                        "index": 0,
                        "records": {
                            "values": values,
                            "transactional": transactional is not None,
                            **batch,
                        },
                    }
                ],
            }
        ],
    }


def fetch(of, offset, isolation=0, **partition):
    return {
        "maxWaitMs": 0,
        "minBytes": 0,
        "maxBytes": 1 << 20,
        "isolationLevel": isolation,
        "sessionId": 0,
        "sessionEpoch": -1,
        "topics": [
            {
                "topic": name(of),
                "partitions": [
                    {
                        "partition": 0,
                        "fetchOffset": offset,
                        "partitionMaxBytes": 1 << 20,
                        **partition,
                    }
                ],
            }
        ],
    }


def list_offsets(of, timestamp, isolation=0, partition=0):
    return {
        "replicaId": -1,
        "isolationLevel": isolation,
        "topics": [
            {
                "name": name(of),
                "partitions": [{"partitionIndex": partition, "timestamp": timestamp}],
            }
        ],
    }


def init(transactional, timeout_ms=60000, producer=(-1, -1)):
    return {
        "transactionalId": transactional,
        "transactionTimeoutMs": timeout_ms,
        "producerId": producer[0],
        "producerEpoch": producer[1],
    }


def end(transactional, producer, committed):
    return {
        "transactionalId": transactional,
        "producerId": producer[0],
        "producerEpoch": producer[1],
        "committed": committed,
    }


def add(transactional, producer, *topics):
    return {
        "v3AndBelowTransactionalId": transactional,
        "v3AndBelowProducerId": producer[0],
        "v3AndBelowProducerEpoch": producer[1],
        "v3AndBelowTopics": [{"name": one, "partitions": [0]} for one in topics],
    }


def txn_offsets(transactional, group, producer, of, offset, generation=-1, member=""):
    return {
        "transactionalId": transactional,
        "groupId": group,
        "producerId": producer[0],
        "producerEpoch": producer[1],
        "generationId": generation,
        "memberId": member,
        "topics": [
            {
                "name": name(of),
                "partitions": [
                    {"partitionIndex": 0, "committedOffset": offset, "committedMetadata": ""}
                ],
            }
        ],
    }


def batch(producer, sequence):
    return {"producerId": producer[0], "producerEpoch": producer[1], "sequence": sequence}


def take(wire, transactional, **options):
    """A producer of that transactional id, as (id, epoch)."""
    coordinator(wire, transactional, 1)
    told = wire.settled("INIT_PRODUCER_ID", 5, init(transactional, **options))
    assert told["errorCode"] == 0, told
    return told["producerId"], told["producerEpoch"]
