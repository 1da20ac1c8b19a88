"""Transactions that tests leave open for the tools that look at them."""

from confluent_kafka import Producer


def open_transaction(brokers, identifier, topic, values=("one",)):
    """A producer whose transaction is open, with what it wrote in the log."""
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": identifier,
                         "transaction.timeout.ms": 600_000, "log_level": 0})
    producer.init_transactions(60)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0
    return producer
