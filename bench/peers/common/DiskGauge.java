package tidemark.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Timer;
import java.util.TimerTask;

/** Looks once a second how many bytes a folder's files have, from when it is made, and keeps the largest answer. */
final class DiskGauge {
  private final Path dir;
  private final Timer timer = new Timer(true);
  private long largest;

  DiskGauge(Path dir) {
    this.dir = dir;
    timer.schedule(new TimerTask() {
      @Override
      public void run() {
        look();
      }
    }, 0, 1000);
  }

  /** Looks a last time and returns the largest answer. */
  long stop() {
    timer.cancel();
    return look();
  }

  private synchronized long look() {
    largest = Math.max(largest, size(dir));
    return largest;
  }

  private static long size(Path dir) {
    long[] sum = {0};
    if (!Files.exists(dir)) {
      return 0;
    }
    try {
      Files.walkFileTree(dir, new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
          sum[0] += attributes.size();
          return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) {
          return FileVisitResult.CONTINUE; // a compaction or a new checkpoint has removed it meanwhile
        }

        @Override
        public FileVisitResult postVisitDirectory(Path visited, IOException e) {
          return FileVisitResult.CONTINUE;
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return sum[0];
  }
}
