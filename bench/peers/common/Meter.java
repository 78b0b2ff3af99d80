package tidemark.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a pass cost this process from the moment the meter is made: wall time, CPU time of all threads (user and system,
 * with the collector and the compilers), bytes written to disk, and the largest resident size. Linux only.
 */
final class Meter {
  private final long wall = System.nanoTime();
  private final long cpu = cpuNanos();
  private final long written = field("/proc/self/io", "write_bytes");

  /** Ends the measurement and returns it as the harness wants it. The peak of memory is the whole process's, warm-up too. */
  String line(String peer, String version, long events, long diskBytes, Map<String, Object> extra, String... notes) {
    long wallNanos = System.nanoTime() - wall;
    long cpuNanos = cpuNanos() - cpu;
    long writtenBytes = field("/proc/self/io", "write_bytes") - written;
    StringBuilder out = new StringBuilder(String.format(
        "{\"peer\":\"%s\",\"semantics\":\"bare\",\"events\":%d,\"wall_ns\":%d,\"cpu_ns\":%d,\"rss_bytes\":%d,\"disk_bytes\":%d,\"written_bytes\":%d,\"version\":\"%s\"",
        peer, events, wallNanos, cpuNanos, field("/proc/self/status", "VmHWM") * 1024, diskBytes, writtenBytes, version));
    out.append(",\"notes\":[");
    for (int i = 0; i < notes.length; i++) {
      out.append(i > 0 ? ",\"" : "\"").append(notes[i].replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
    }
    out.append("],\"extra\":{");
    String comma = "";
    for (Map.Entry<String, Object> e : extra.entrySet()) {
      out.append(comma).append('"').append(e.getKey()).append("\":");
      out.append(e.getValue() instanceof Number ? e.getValue().toString() : "\"" + e.getValue() + "\"");
      comma = ",";
    }
    return out.append("}}").toString();
  }

  static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private static long field(String file, String name) {
    try {
      for (String line : Files.readAllLines(Path.of(file))) {
        if (line.startsWith(name + ":")) {
          return Long.parseLong(line.substring(name.length() + 1).replace("kB", "").trim());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": measuring needs Linux", e);
    }
    throw new IllegalStateException(file + " has no " + name);
  }
}
