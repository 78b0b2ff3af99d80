package tidemark.peers;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * Kafka Streams as two peers, streams-dsl ({@link Dsl}) and streams-processor ({@link Expert}): first over the warm-up
 * topic, then measured over the topic, each an application of its own in this process. Streams never ends by itself, so a
 * pass ends when the group has committed all of the topic and of the topics between its steps, in this order.
 */
public final class Streams {
  private Streams() {}

  public static void main(String[] args) throws Exception {
    String peer = args[0];
    if (args[1].equals("describe")) {
      settings(peer, Run.example(), new HashMap<>()).forEach((name, value) -> System.out.println(name + ": " + value));
      return;
    }
    Run run = Run.fromEnvironment();
    Map<String, String> trial = new HashMap<>(); // what a trial sets otherwise: name=value …
    for (int i = 2; i < args.length; i++) {
      trial.put(args[i].substring(0, args[i].indexOf('=')), args[i].substring(args[i].indexOf('=') + 1));
    }
    Map<String, String> settings = settings(peer, run, trial);
    if (run.warmEvents() > 0) {
      Map<String, String> once = new TreeMap<>(settings);
      once.put("peer.restart", "0");
      new Pass(peer, run, once, "warm").run(run.warmTopic(), run.warmEvents());
      System.gc();
    }
    System.out.println(new Pass(peer, run, settings, "run").run(run.topic(), run.events()));
    System.exit(0);
  }

  /** All that differs from the defaults; README.md says why. "plan", "store" and "peer.…" are this program's own: peer.restart is
   * after how many events the measured Processor API version is stopped and started again, for the test of its store. */
  static Map<String, String> settings(String peer, Run run, Map<String, String> trial) {
    Map<String, String> out = new TreeMap<>();
    boolean dsl = peer.equals("streams-dsl");
    out.put("plan", "rollup");
    out.put("store", "table");
    out.put("peer.restart", "0");
    out.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.toString(run.cores()));
    out.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    // In the DSL a commit is what hands updates on; the other version hands them on by itself each second.
    out.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, dsl ? "1000" : "30000");
    out.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.toString((long) run.memoryMegabytes() / 8 << 20));
    out.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    out.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class.getName());
    out.put("peer.native.megabytes", Integer.toString(run.memoryMegabytes() * 3 / 8));
    out.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
    out.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, "10000");
    out.put("consumer.max.poll.records", "10000");
    out.put("consumer.fetch.min.bytes", "65536");
    out.put("consumer.max.partition.fetch.bytes", "4194304");
    out.put("consumer.auto.offset.reset", "earliest");
    out.put("producer.linger.ms", "100");
    out.put("producer.batch.size", "262144");
    out.put("producer.buffer.memory", "134217728");
    out.put("producer.compression.type", "lz4");
    out.putAll(trial);
    return out;
  }

  /** One application over one topic, from its start to the end of all that follows from it. */
  private static final class Pass {
    private final String peer;
    private final Run run;
    private final Map<String, String> settings;
    private final String id;
    private final Path state;
    private final String between; // the topic between the steps of the Processor API version
    private final boolean dsl;
    private final boolean cube;
    private KafkaStreams streams;
    private volatile Throwable failure;

    Pass(String peer, Run run, Map<String, String> settings, String phase) {
      this.peer = peer;
      this.run = run;
      this.settings = settings;
      id = run.own() + phase;
      state = Path.of(run.dir(), "state-" + phase);
      between = id + "-cells";
      dsl = peer.equals("streams-dsl");
      cube = settings.get("plan").equals("cube");
    }

    String run(String topic, long events) throws Exception {
      Progress.reset();
      Expert.reset(true);
      try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, run.brokers()))) {
        DiskGauge disk = new DiskGauge(state);
        if (!dsl) {
          admin.createTopics(List.of(new NewTopic(between, 1, (short) 1))).all().get();
        }
        start(topic);
        long restart = Long.parseLong(settings.get("peer.restart"));
        if (restart > 0) { // for the test: everything that follows comes from what was committed
          while (Progress.count() < restart) {
            sleep();
          }
          streams.close();
          Expert.reset(false);
          start(topic);
        }
        while (Progress.count() < events || !(dsl || Expert.published(run.partitions()) >= events)) {
          Progress.draining = Progress.count() >= events;
          sleep();
        }
        Progress.draining = true;
        while (!committed(admin, List.of(topic))) {
          sleep();
        }
        long consumed = records(admin, topic); // the count may be higher: what a thread gives up half-way is read again
        // What the first step handed on is complete now, so the ends of the topics between no longer move.
        List<String> rest = new ArrayList<>(admin.listTopics().names().get());
        rest.removeIf(name -> !name.equals(between) && !(name.startsWith(id + "-") && name.endsWith("-repartition")));
        while (!committed(admin, rest)) {
          sleep();
        }
        Groupings cells = new Groupings(cube);
        if (dsl) {
          Dsl.cells(streams, cube, cells);
        } else {
          Expert.cells(streams, cells);
        }
        Map<String, Object> extra = new TreeMap<>(Map.of("plan", settings.get("plan"), "store", dsl ? "rocksdb" : settings.get("store")));
        String line = Progress.meter().line(
            peer, org.apache.kafka.common.utils.AppInfoParser.getVersion(), consumed, disk.stop(), extra,
            "warmed up over " + run.warmEvents() + " events of another topic in the same process",
            "the clock begins when all tasks are assigned, and ends when everything is committed",
            "at least once: after a crash it may count twice");
        cells.write(Path.of(run.cells()));
        streams.close(Duration.ofSeconds(60));
        Set<String> names = admin.listTopics().names().get();
        admin.deleteTopics(names.stream().filter(name -> name.startsWith(id + "-")).toList()).all().get();
        return line;
      }
    }

    /** Starts the application, or starts it again where its last commit left it. */
    private void start(String topic) {
      Properties properties = new Properties();
      properties.putAll(settings);
      properties.keySet().removeAll(Set.of("plan", "store", "peer.restart"));
      properties.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
      properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, run.brokers());
      properties.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
      Topology topology;
      if (dsl) {
        StreamsBuilder builder = new StreamsBuilder();
        Dsl.build(builder, topic, cube);
        topology = builder.build(properties);
      } else {
        topology = Expert.build(topic, between, settings.get("store").equals("table"));
      }
      if (System.getenv("BENCH_EXPLAIN") != null) {
        System.out.println(topology.describe());
      }
      streams = new KafkaStreams(topology, properties);
      streams.setStateListener((now, before) -> {
        if (now == KafkaStreams.State.RUNNING) {
          Progress.begin();
        }
      });
      streams.setUncaughtExceptionHandler(e -> {
        failure = e;
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
      });
      streams.start();
    }

    private void sleep() throws Exception {
      if (streams.state() == KafkaStreams.State.ERROR || failure != null) {
        throw new IllegalStateException("Kafka Streams stopped", failure);
      }
      Thread.sleep(20);
    }

    private static long records(Admin admin, String topic) throws Exception {
      return ends(admin, List.of(topic)).values().stream().mapToLong(Long::longValue).sum();
    }

    private static Map<TopicPartition, Long> ends(Admin admin, List<String> topics) throws Exception {
      Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
      admin.describeTopics(topics).allTopicNames().get().forEach((name, description) ->
          description.partitions().forEach(p -> partitions.put(new TopicPartition(name, p.partition()), OffsetSpec.latest())));
      Map<TopicPartition, Long> out = new HashMap<>();
      admin.listOffsets(partitions).all().get().forEach((partition, end) -> out.put(partition, end.offset()));
      return out;
    }

    /** Whether the group has committed these topics to their present ends. */
    private boolean committed(Admin admin, List<String> topics) throws Exception {
      var committed = admin.listConsumerGroupOffsets(id).partitionsToOffsetAndMetadata().get();
      return ends(admin, topics).entrySet().stream().allMatch(end -> {
        var done = committed.get(end.getKey());
        return end.getValue() == (done == null ? 0 : done.offset());
      });
    }
  }

  /** Cells by name, "variant|platform|country|plan" with nothing for what is not fixed; base cells are added up into all groupings. */
  private static final class Groupings implements BiConsumer<String, long[]> {
    private final Map<String, long[]> cells = new TreeMap<>();
    private final boolean complete;

    Groupings(boolean complete) {
      this.complete = complete;
    }

    @Override
    public void accept(String name, long[] sums) {
      int bar = name.indexOf('|');
      for (int fixed = complete ? 7 : 0; fixed < 8; fixed++) {
        long[] cell = cells.computeIfAbsent(name.substring(0, bar + 1) + Dsl.coarsen(name.substring(bar + 1), fixed), k -> new long[Cell.SUMS.length]);
        for (int i = 0; i < cell.length; i++) {
          cell[i] += sums[i];
        }
      }
    }

    void write(Path file) {
      try (BufferedWriter out = Files.newBufferedWriter(file)) {
        for (Map.Entry<String, long[]> cell : cells.entrySet()) {
          String[] v = cell.getKey().split("\\|", -1);
          Cell.write(out, v[0], orNull(v[1]), orNull(v[2]), orNull(v[3]), cell.getValue());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static String orNull(String value) {
      return value.isEmpty() ? null : value;
    }
  }
}
