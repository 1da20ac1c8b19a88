// kafkajs against one broker: topics, an idempotent producer, a group's consumer, offsets and a
// transaction. Prints "pass CASE" or "FAIL CASE  why" for each; argument: host:port.
const { Kafka, logLevel } = require('kafkajs');

const kafka = new Kafka({
  clientId: 'conformance', brokers: [process.argv[2]], logLevel: logLevel.NOTHING,
});
const topic = `kafkajs-${process.pid}`;
const count = 200;
let failed = 0;

async function check(name, action) {
  try {
    await action();
    console.log(`pass ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}  ${error.message}`);
  }
}

function equal(actual, expected) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
  }
}

// The values that a new group reads from the topic's beginning, as soon as there are `want`.
async function readAll(group, name, want) {
  const consumer = kafka.consumer({ groupId: group });
  const values = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [name], fromBeginning: true });
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`${values.length} of ${want} came`)), 30000);
    consumer.run({ eachMessage: async ({ message }) => {
      values.push(message.value.toString());
      if (values.length >= want) { clearTimeout(limit); resolve(); }
    } });
  }).finally(() => consumer.disconnect());
  return values.sort();
}

(async () => {
  const admin = kafka.admin();
  await admin.connect();
  const values = Array.from({ length: count }, (_, i) => `v${i}`).sort();
  await check('createTopics', async () => {
    equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }), true);
    const told = await admin.fetchTopicMetadata({ topics: [topic] });
    equal(told.topics[0].partitions.length, 3);
  });
  await check('idempotentProducer', async () => {
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    for (const value of values) {
      await producer.send({ topic, acks: -1, messages: [{ key: value, value, headers: { a: 'b' } }] });
    }
    await producer.disconnect();
  });
  await check('groupConsumer', async () => equal(await readAll('kafkajs-group', topic, count), values));
  await check('groupOffsets', async () => {
    const told = await admin.fetchOffsets({ groupId: 'kafkajs-group', topics: [topic] });
    equal(told[0].partitions.reduce((sum, one) => sum + Number(one.offset), 0), count);
    await admin.resetOffsets({ groupId: 'kafkajs-group', topic, earliest: true });
    equal((await admin.describeGroups(['kafkajs-group'])).groups[0].state, 'Empty');
    await admin.deleteGroups(['kafkajs-group']);
  });
  await check('transactions', async () => {
    const name = `${topic}-txn`;
    await admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }] });
    const producer = kafka.producer({
      transactionalId: name, maxInFlightRequests: 1, idempotent: true,
    });
    await producer.connect();
    for (let turn = 0; turn < 4; turn += 1) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: name, messages: [{ value: `t${turn}` }] });
      await (turn % 2 === 0 ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    equal(await readAll('kafkajs-committed', name, 2), ['t0', 't2']);
  });
  await check('topicConfigs', async () => {
    const resources = [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '9000' }] }];
    await admin.alterConfigs({ validateOnly: false, resources });
    const told = await admin.describeConfigs({
      includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
    });
    equal(told.resources[0].configEntries[0].configValue, '9000');
  });
  await check('deleteTopicRecords', async () => {
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] });
  });
  await check('deleteTopics', async () => admin.deleteTopics({ topics: [topic] }));
  await admin.disconnect();
  process.exit(failed ? 1 : 0);
})();
