package tidemark.peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * The job by hand in the Processor API. One step reads a partition, keeps its subjects and the sums of its base cells, and
 * each second hands on the cells that changed, as totals of this partition under a key that names it; no event and no
 * subject crosses the network. A second step keeps the latest total of each partition; readers add them up.
 */
final class Expert {
  private static final Duration PUBLISH = Duration.ofSeconds(1);

  /** Events that the published cells reflect, by partition; written by the second step. */
  private static final Map<String, Long> REFLECTED = new ConcurrentHashMap<>();

  private Expert() {}

  /** Events that a partition's task had counted when it was closed: another thread may take it over, from what was committed. */
  private static final Map<Integer, Long> COUNTED = new ConcurrentHashMap<>();

  /** How many events the cells reflect that the second step has, once it has heard of every partition. */
  static long published(int partitions) {
    return REFLECTED.size() < partitions ? 0 : REFLECTED.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Forgets what was published, before the application starts; and with all what was counted, for another topic. */
  static void reset(boolean all) {
    REFLECTED.clear();
    if (all) {
      COUNTED.clear();
    }
  }

  static Topology build(String topic, String between, boolean table) {
    Topology out = new Topology();
    var bytes = Serdes.ByteArray();
    out.addSource("events", bytes.deserializer(), bytes.deserializer(), topic);
    if (table) {
      out.addProcessor("count", CountInTable::new, "events");
      out.addStateStore(Subjects.builder("subjects"), "count");
    } else {
      out.addProcessor("count", CountInRocks::new, "events");
      out.addStateStore(
          Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("subjects"), Serdes.Bytes(), bytes).withCachingEnabled(), "count");
    }
    out.addSink("partials", between, Serdes.String().serializer(), Dsl.SUMS.serializer(), "count");
    out.addSource("totals", Serdes.String().deserializer(), Dsl.SUMS.deserializer(), between);
    out.addProcessor("merge", Merge::new, "totals");
    out.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("cells"), Serdes.String(), Dsl.SUMS), "merge");
    return out;
  }

  /** Gives each partition's total of each base cell, with the cell's name. */
  static void cells(KafkaStreams streams, BiConsumer<String, long[]> out) {
    var store = streams.store(StoreQueryParameters.fromNameAndType("cells", QueryableStoreTypes.<String, long[]>keyValueStore()));
    try (KeyValueIterator<String, long[]> all = store.all()) {
      all.forEachRemaining(cell -> out.accept(cell.key.substring(cell.key.indexOf(':') + 1), cell.value));
    }
  }

  /** What both versions of the first step share: scanning, and handing on the cells that changed. */
  private abstract static class Count implements Processor<byte[], byte[], String, long[]> {
    private final Scan scan = new Scan();
    protected ProcessorContext<String, long[]> context;
    private long events;
    private long told = -1; // so that what was restored is handed on, even where no event follows
    private boolean committed;

    @Override
    public void init(ProcessorContext<String, long[]> context) {
      this.context = context;
      events = COUNTED.getOrDefault(context.taskId().partition(), 0L);
      context.schedule(PUBLISH, PunctuationType.WALL_CLOCK_TIME, this::publish);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      Progress.read();
      scan.read(record.value());
      apply(record.key(), cells().of(scan), scan);
      events++;
    }

    @Override
    public void close() {
      COUNTED.put(context.taskId().partition(), events);
    }

    abstract Cells cells();

    abstract void apply(byte[] subject, int cell, Scan event);

    private void publish(long now) {
      if (told < events) {
        String partition = context.taskId().partition() + ":";
        cells().drain((name, sums) -> context.forward(new Record<>(partition + name, sums.clone(), now)));
        told = events;
        context.forward(new Record<>(partition, new long[] {events}, now));
      }
      if (Progress.draining && !committed) {
        committed = true;
        context.commit();
      }
    }
  }

  /** Subjects in a store made for the job. */
  private static final class CountInTable extends Count {
    private Subjects subjects;

    @Override
    public void init(ProcessorContext<String, long[]> context) {
      super.init(context);
      subjects = context.getStateStore("subjects");
    }

    @Override
    Cells cells() {
      return subjects.cells;
    }

    @Override
    void apply(byte[] subject, int cell, Scan event) {
      subjects.apply(subject, cell, event.type, event.cents);
    }
  }

  /** Subjects in the library's RocksDB store, with its cache over it and its changelog: for state beyond memory. */
  private static final class CountInRocks extends Count {
    private final Cells cells = new Cells();
    private KeyValueStore<Bytes, byte[]> subjects;

    @Override
    public void init(ProcessorContext<String, long[]> context) {
      super.init(context);
      subjects = context.getStateStore("subjects");
      try (KeyValueIterator<Bytes, byte[]> all = subjects.all()) { // cells follow from the subjects
        all.forEachRemaining(row -> {
          byte[] key = row.key.get();
          int end = key.length - 1;
          while (key[end] != 0) {
            end--;
          }
          ByteBuffer v = ByteBuffer.wrap(row.value);
          cells.add(cells.of(new String(key, end + 1, key.length - end - 1, StandardCharsets.UTF_8)), v.getLong(), v.getLong(), v.getLong(), v.getLong(), 1);
        });
      }
    }

    @Override
    Cells cells() {
      return cells;
    }

    @Override
    void apply(byte[] subject, int cell, Scan event) {
      byte[] name = cells.name(cell).getBytes(StandardCharsets.UTF_8);
      byte[] key = new byte[subject.length + 1 + name.length];
      System.arraycopy(subject, 0, key, 0, subject.length);
      System.arraycopy(name, 0, key, subject.length + 1, name.length);
      Bytes row = Bytes.wrap(key);
      byte[] old = subjects.get(row);
      long clicks = 0;
      long impressions = 0;
      long purchases = 0;
      long cents = 0;
      if (old != null) {
        ByteBuffer in = ByteBuffer.wrap(old);
        clicks = in.getLong();
        impressions = in.getLong();
        purchases = in.getLong();
        cents = in.getLong();
        cells.add(cell, clicks, impressions, purchases, cents, -1);
      }
      clicks += event.type == Scan.CLICK ? 1 : 0;
      impressions += event.type == Scan.IMPRESSION ? 1 : 0;
      purchases += event.type == Scan.PURCHASE ? 1 : 0;
      cents += event.cents;
      subjects.put(row, ByteBuffer.allocate(32).putLong(clicks).putLong(impressions).putLong(purchases).putLong(cents).array());
      cells.add(cell, clicks, impressions, purchases, cents, 1);
    }
  }

  /** Keeps the latest total of each partition. A row whose name is empty says how many events the ones before it reflect. */
  private static final class Merge implements Processor<String, long[], Void, Void> {
    private ProcessorContext<Void, Void> context;
    private KeyValueStore<String, long[]> cells;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      this.context = context;
      cells = context.getStateStore("cells");
    }

    @Override
    public void process(Record<String, long[]> record) {
      if (!record.key().endsWith(":")) {
        cells.put(record.key(), record.value());
        return;
      }
      REFLECTED.put(record.key(), record.value()[0]);
      if (Progress.draining) {
        context.commit();
      }
    }
  }
}
