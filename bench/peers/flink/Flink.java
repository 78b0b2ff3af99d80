package tidemark.peers;

import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.Collector;

/**
 * Flink SQL as a peer: job.sql on a cluster in this process (one TaskManager with a slot for each core), first over the
 * warm-up topic, then measured over the topic. The changelog of cells goes into a map, as it would go to a sink by key.
 */
public final class Flink {
  /** The latest row of each cell. The cluster runs in this process, so its tasks write here. */
  private static final Map<Row, Row> CELLS = new ConcurrentHashMap<>();

  private Flink() {}

  public static void main(String[] args) throws Exception {
    String peer = args[0];
    if (args[1].equals("describe")) {
      settings(peer, Run.example()).forEach((name, value) -> System.out.println(name + ": " + value));
      return;
    }
    Path sql = Path.of(args[1]);
    Run run = Run.fromEnvironment();
    Map<String, String> settings = settings(peer, run);
    if (args.length > 2) { // what a trial sets otherwise: name=value …
      for (String setting : args[2].split(" ")) {
        settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
      }
    }
    String plan = settings.remove("plan");
    Configuration configuration = Configuration.fromMap(settings);
    try (MiniCluster cluster = new MiniCluster(
        new MiniClusterConfiguration.Builder().setConfiguration(configuration).setNumTaskManagers(1).setNumSlotsPerTaskManager(run.cores()).build())) {
      cluster.start();
      if (run.warmEvents() > 0) {
        pass(cluster, configuration, sql, plan, run, run.warmTopic());
        CELLS.clear();
        System.gc();
      }
      DiskGauge disk = new DiskGauge(state(run));
      Meter meter = pass(cluster, configuration, sql, plan, run, run.topic());
      Map<String, Object> extra = new LinkedHashMap<>();
      extra.put("plan", plan);
      String line = meter.line(
          peer, org.apache.flink.runtime.util.EnvironmentInformation.getVersion(), run.events(), disk.stop(), extra,
          "warmed up over " + run.warmEvents() + " events of another topic in the same process",
          "the clock begins when every task runs",
          "disk_bytes is the largest sum of local state and checkpoints seen, at one look a second: a finished job removes both");
      writeCells(Path.of(run.cells()));
      System.out.println(line);
    }
    System.exit(0); // threads of the RPC system may linger
  }

  /** All that differs from Flink's defaults; README.md says why. */
  static Map<String, String> settings(String peer, Run run) {
    Map<String, String> out = new TreeMap<>();
    boolean rocks = peer.equals("flink-rocksdb");
    out.put("plan", "rollup");
    out.put("rest.address", "127.0.0.1");
    out.put("rest.bind-port", "0");
    out.put("parallelism.default", Integer.toString(run.cores()));
    out.put("pipeline.object-reuse", "true");
    out.put("taskmanager.memory.network.min", "128m");
    out.put("taskmanager.memory.network.max", "128m");
    // RocksDB's caches and memtables are managed memory, outside the heap; flink.sh gives the heap the rest.
    out.put("taskmanager.memory.managed.size", rocks ? run.memoryMegabytes() / 2 + "m" : "64m");
    out.put("state.backend.type", rocks ? "rocksdb" : "hashmap");
    out.put("state.backend.rocksdb.localdir", state(run).resolve("rocksdb").toString());
    out.put("state.backend.rocksdb.predefined-options", "FLASH_SSD_OPTIMIZED");
    out.put("state.backend.rocksdb.use-bloom-filter", "true");
    out.put("execution.checkpointing.interval", "30 s");
    out.put("execution.checkpointing.mode", "EXACTLY_ONCE");
    out.put("execution.checkpointing.incremental", "true");
    out.put("execution.checkpointing.storage", "filesystem");
    out.put("execution.checkpointing.dir", state(run).resolve("checkpoints").toUri().toString());
    out.put("io.tmp.dirs", run.dir());
    out.put("table.exec.mini-batch.enabled", "true");
    out.put("table.exec.mini-batch.allow-latency", "1 s");
    out.put("table.exec.mini-batch.size", "500000");
    out.put("table.optimizer.agg-phase-strategy", "TWO_PHASE");
    return out;
  }

  private static Path state(Run run) {
    return Path.of(run.dir(), "state");
  }

  /** Runs the job over a topic to its end and returns the meter, started when all tasks were running. */
  private static Meter pass(MiniCluster cluster, Configuration configuration, Path sql, String plan, Run run, String topic) throws Exception {
    var rest = cluster.getRestAddress().get();
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createRemoteEnvironment(rest.getHost(), rest.getPort(), configuration);
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    configuration.toMap().forEach((name, value) -> {
      if (name.startsWith("table.")) {
        tables.getConfig().set(name, value);
      }
    });
    String text = Files.readString(sql).replaceAll("(?m)^--.*$", "")
        .replace("${topic}", topic).replace("${brokers}", run.brokers()).replace("${own}", run.own());
    for (String statement : text.split("(?m);$")) {
      if (!statement.isBlank()) {
        tables.executeSql(statement);
      }
    }
    Table cells = tables.from("cells_" + plan);
    if (System.getenv("BENCH_EXPLAIN") != null) {
      System.out.println(cells.explain());
    }
    tables.toChangelogStream(cells).process(new Keep()).name("cells").sinkTo(new DiscardingSink<>());
    JobClient job = env.executeAsync(topic);
    while (!running(cluster, job.getJobID())) {
      Thread.sleep(1);
    }
    Meter meter = new Meter();
    job.getJobExecutionResult().get();
    return meter;
  }

  private static boolean running(MiniCluster cluster, JobID job) throws Exception {
    int tasks = 0;
    for (AccessExecutionVertex task : cluster.getExecutionGraph(job).get().getAllExecutionVertices()) {
      tasks++;
      if (task.getExecutionState() != ExecutionState.RUNNING && task.getExecutionState() != ExecutionState.FINISHED) {
        return false;
      }
    }
    return tasks > 0;
  }

  /** Keeps the latest row of each cell by its key: variant, grouping and dimensions. */
  private static final class Keep extends ProcessFunction<Row, Row> {
    @Override
    public void processElement(Row row, Context context, Collector<Row> out) {
      Row key = Row.of(row.getField(0), row.getField(1), row.getField(2), row.getField(3), row.getField(4));
      if (row.getKind() == RowKind.DELETE) {
        CELLS.remove(key);
      } else if (row.getKind() != RowKind.UPDATE_BEFORE) {
        CELLS.put(key, Row.copy(row));
      }
    }
  }

  private static void writeCells(Path file) throws Exception {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (Row row : CELLS.values()) {
        long[] sums = new long[Cell.SUMS.length];
        for (int i = 0; i < sums.length; i++) {
          sums[i] = (Long) row.getField(5 + i);
        }
        Cell.write(out, (String) row.getField(0), (String) row.getField(2), (String) row.getField(3), (String) row.getField(4), sums);
      }
    }
  }
}
