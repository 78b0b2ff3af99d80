package tidemark.peers;

/** One run as the harness describes it in the environment; the names are explained in the package doc of bench. */
record Run(
    String brokers, String topic, int partitions, long events, int cores, int memoryMegabytes,
    String dir, String cells, String warmTopic, long warmEvents, String own) {

  static Run fromEnvironment() {
    return new Run(
        text("BENCH_BROKERS"), text("BENCH_TOPIC"), (int) number("BENCH_PARTITIONS"), number("BENCH_EVENTS"),
        (int) number("BENCH_CORES"), (int) number("BENCH_MEMORY_MB"), text("BENCH_DIR"), text("BENCH_CELLS"),
        System.getenv().getOrDefault("BENCH_WARM", ""), number("BENCH_WARM_EVENTS"), text("BENCH_OWN"));
  }

  /** What describe shows settings for. */
  static Run example() {
    return new Run("BENCH_BROKERS", "BENCH_TOPIC", 8, 0, 2, 6144, "/BENCH_DIR", "BENCH_CELLS", "BENCH_WARM", 0, "BENCH_OWN-");
  }

  private static String text(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalArgumentException(name + " is not set: a run is described by the environment (see the package doc of bench)");
    }
    return value;
  }

  private static long number(String name) {
    return Long.parseLong(text(name));
  }
}
