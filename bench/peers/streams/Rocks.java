package tidemark.peers;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * RocksDB as Kafka's documentation has it for bounded memory, one cache and one write buffer manager for all stores, with
 * bloom filters and larger memtables. The native budget is the setting "peer.native.megabytes".
 */
public final class Rocks implements RocksDBConfigSetter {
  private static Cache cache;
  private static WriteBufferManager buffers;
  private static BloomFilter bloom;

  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    synchronized (Rocks.class) {
      if (cache == null) {
        long bytes = Long.parseLong(configs.get("peer.native.megabytes").toString()) << 20;
        cache = new LRUCache(bytes);
        bloom = new BloomFilter(10);
        buffers = new WriteBufferManager(bytes / 3, cache); // within the cache's budget
      }
    }
    BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(cache);
    table.setCacheIndexAndFilterBlocks(true);
    table.setPinL0FilterAndIndexBlocksInCache(true);
    table.setFilterPolicy(bloom);
    table.setBlockSize(8 << 10);
    options.setWriteBufferManager(buffers);
    options.setWriteBufferSize(32 << 20);
    options.setMaxWriteBufferNumber(3);
    options.setMaxBackgroundJobs(2);
    options.setTableFormatConfig(table);
  }

  @Override
  public void close(String store, Options options) {
    // What all stores share lives as long as the process.
  }
}
