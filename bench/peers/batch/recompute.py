"""The batch peers: DuckDB and ClickHouse compute everything again from Parquet at each refresh.

    recompute.py duckdb|clickhouse run        one run as the harness describes it in the environment
    recompute.py duckdb|clickhouse describe   versions, settings and queries

A run exports the topic to NDJSON (by ../batch/export, not measured) and then measures, one line each:

    load             the oldest 99 % of the events from NDJSON to Parquet: what a refresh does not repeat
    refresh_1pct     the newest 1 % to a Parquet file of their own, and the whole query over all files
    refresh_0.1pct   the same with the newest 0.1 %
    load_table, refresh_table   the engine's own table in place of Parquet
    refresh          the query over Parquet, three times after one that is thrown away; the last one's cells are written
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time

GROUPINGS = [[d for i, d in enumerate(("platform", "country", "plan")) if mask >> i & 1] for mask in range(8)]
SETS = ", ".join("(" + ", ".join(["variant", *g]) + ")" for g in GROUPINGS)

# Per-subject totals, their sums and products in each base cell, and base cells added up into the eight groupings: a subject
# sits in one base cell, so this equals grouping the subjects eight times, and is faster.
QUERY = """
WITH subjects AS (
  SELECT variant, platform, country, plan, user_id, {counts}
  FROM {{events}}
  GROUP BY variant, platform, country, plan, user_id
), base AS (
  SELECT variant, platform, country, plan,
    COUNT(*) AS n, SUM(clicks) AS c, SUM(impressions) AS i, SUM(purchases) AS p, SUM(cents) AS s,
    SUM(clicks * clicks) AS cc, SUM(impressions * impressions) AS ii, SUM(purchases * purchases) AS pp,
    SUM({square}) AS ss, SUM(clicks * impressions) AS ci, SUM(purchases * clicks) AS pc
  FROM subjects
  GROUP BY variant, platform, country, plan
)
SELECT variant, platform, country, plan, GROUPING(platform) AS g1, GROUPING(country) AS g2, GROUPING(plan) AS g3,
  {sums}
FROM base
GROUP BY GROUPING SETS ({sets})
"""
SUMS = ["n", "c", "i", "p", "s", "cc", "ii", "pp", "ss", "ci", "pc"]


class DuckDB:
    """DuckDB over one connection; the data base holds the table of load_table and nothing else."""

    name = "duckdb"

    def __init__(self, run):
        import duckdb

        self.version = duckdb.__version__
        self.settings = {
            "threads": run["cores"],
            "memory_limit": f"{run['memory']}MB",
            "temp_directory": os.path.join(run["dir"], "spill"),
            "preserve_insertion_order": False,
        }
        self.path = os.path.join(run["dir"], "duckdb")
        os.mkdir(self.path)
        self.db = duckdb.connect(os.path.join(self.path, "events.db"), config=self.settings)

    COLUMNS = (
        "{type: 'VARCHAR', id: 'VARCHAR', ts: 'BIGINT', user: 'STRUCT(id VARCHAR, plan VARCHAR)',"
        " device: 'STRUCT(platform VARCHAR, country VARCHAR)', experiment: 'STRUCT(variant VARCHAR)', cents: 'BIGINT'}"
    )
    FLAT = (
        'id, ts, type, "user".id AS user_id, "user".plan AS plan, device.platform AS platform, device.country AS country,'
        " experiment.variant AS variant, cents"
    )

    def source(self, files):
        return f"(SELECT {self.FLAT} FROM read_json({files!r}, format = 'newline_delimited', columns = {self.COLUMNS}))"

    def to_parquet(self, files, out):
        self.db.execute(f"COPY {self.source(files)} TO '{out}' (FORMAT parquet, COMPRESSION snappy)")

    def to_table(self, files):
        self.db.execute(f"CREATE TABLE events AS FROM {self.source(files)}")
        self.db.execute("CHECKPOINT")

    QUERY = QUERY.format(
        counts="COUNT(*) FILTER (WHERE type = 'click') AS clicks, COUNT(*) FILTER (WHERE type = 'impression') AS impressions,"
        " COUNT(*) FILTER (WHERE type = 'purchase') AS purchases, SUM(cents) AS cents",
        square="cents * cents",  # SUM of BIGINT is HUGEINT
        sums=", ".join(f"SUM({s})" for s in SUMS),
        sets=SETS,
    )

    def over_parquet(self, files):
        return self.db.execute(self.QUERY.format(events=f"read_parquet({files!r})")).fetchall()

    def over_table(self):
        return self.db.execute(self.QUERY.format(events="events")).fetchall()


class ClickHouse:
    """ClickHouse in this process; its folder holds the table of load_table and nothing else."""

    name = "clickhouse"

    def __init__(self, run):
        from chdb import session

        self.path = os.path.join(run["dir"], "clickhouse")
        self.session = session.Session(self.path)
        self.settings = {
            "max_threads": run["cores"],
            "max_insert_threads": run["cores"],
            "max_memory_usage": run["memory"] << 20,
            "input_format_parquet_preserve_order": 0,
            "output_format_parquet_compression_method": "snappy",
            "input_format_skip_unknown_fields": 1,
            "schema_inference_make_columns_nullable": 0,
        }
        for name, value in self.settings.items():
            self.session.query(f"SET {name} = '{value}'")
        self.version = str(self.session.query("SELECT version()", "TabSeparated")).strip()

    COLUMNS = (
        "type String, id String, ts Int64, user Tuple(id String, plan String), device Tuple(platform String, country String),"
        " experiment Tuple(variant String), cents Int64"
    )
    FLAT = (
        "id, ts, type, user.id AS user_id, user.plan AS plan, device.platform AS platform, device.country AS country,"
        " experiment.variant AS variant, cents"
    )

    def source(self, files):
        return f"(SELECT {self.FLAT} FROM file('{braces(files)}', JSONEachRow, '{self.COLUMNS}'))"

    def to_parquet(self, files, out):
        self.session.query(f"INSERT INTO FUNCTION file('{out}', Parquet) SELECT * FROM {self.source(files)}")

    def to_table(self, files):
        self.session.query("CREATE DATABASE IF NOT EXISTS bench")
        self.session.query(
            "CREATE TABLE bench.events (id String, ts Int64, type LowCardinality(String), user_id String, plan LowCardinality(String),"
            " platform LowCardinality(String), country LowCardinality(String), variant LowCardinality(String), cents Int64)"
            " ENGINE = MergeTree ORDER BY (variant, user_id, ts)"
        )
        self.session.query(f"INSERT INTO bench.events SELECT * FROM {self.source(files)}")
        self.session.query("OPTIMIZE TABLE bench.events FINAL")

    QUERY = QUERY.format(
        counts="countIf(type = 'click') AS clicks, countIf(type = 'impression') AS impressions, countIf(type = 'purchase') AS purchases,"
        " SUM(cents) AS cents",
        square="toInt128(cents) * cents",
        sums=", ".join(f"SUM({s})" for s in SUMS),
        sets=SETS,
    )

    def ask(self, events):
        text = str(self.session.query(self.QUERY.format(events=events), "JSONCompactEachRow"))
        return [json.loads(line) for line in text.splitlines()]

    def over_parquet(self, files):
        return self.ask(f"file('{braces(files)}', Parquet)")

    def over_table(self):
        return self.ask("bench.events")


def braces(files):
    """Files of one folder and extension as one pattern of ClickHouse's."""
    folder, extension = os.path.dirname(files[0]), os.path.splitext(files[0])[1]
    names = ",".join(os.path.basename(f).removesuffix(extension) for f in files)
    return files[0] if len(files) == 1 else f"{folder}/{{{names}}}{extension}"


class Meter:
    """Wall time, CPU time of all threads and bytes written, from when it was made to its line."""

    def __init__(self):
        self.written, self.cpu, self.wall = written(), cpu(), time.perf_counter_ns()

    def line(self, engine, measurement, events, disk, notes=(), **extra):
        """Ends the measurement; returns it as the harness wants it."""
        out = {"peer": engine.name, "semantics": "bare"}
        if measurement:
            out["measurement"] = measurement
        out |= {
            "events": events,
            "wall_ns": time.perf_counter_ns() - self.wall,
            "cpu_ns": cpu() - self.cpu,
            "rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
            "disk_bytes": disk,
            "written_bytes": written() - self.written,
            "version": engine.version,
            "notes": list(notes),
            "extra": extra,
        }
        return json.dumps(out)


def say(line):
    print(line, flush=True)


def cpu():
    return time.process_time_ns()


def written():
    with open("/proc/self/io") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("write_bytes"))


def cells(rows):
    """Lines of cells from the query's rows: the dimensions that a grouping does not fix are left out."""
    for variant, platform, country, plan, g1, g2, g3, *sums in rows:
        n, c, i, p, s, cc, ii, pp, ss, ci, pc = (int(x) for x in sums)
        slice_ = {name: value for name, value, g in (("platform", platform, g1), ("country", country, g2), ("plan", plan, g3)) if int(g) == FIXED}
        for metric, x, y, xx, yy, xy in (("ctr", c, i, cc, ii, ci), ("revenue", s, n, ss, n, s), ("order_rate", p, c, pp, cc, pc)):
            line = {"variant": variant, "slice": slice_, "metric": metric, "n": n}
            line |= {name: str(v) for name, v in (("sum_x", x), ("sum_y", y), ("sum_xx", xx), ("sum_yy", yy), ("sum_xy", xy))}
            yield json.dumps(line)


FIXED = 0  # GROUPING(x) of a column that is grouped by


def environment():
    def get(name):
        value = os.environ.get(name)
        if not value:
            sys.exit(f"recompute.py: {name} is not set: a run is described by the environment (see the doc of command bench)")
        return value

    return {
        "dir": get("BENCH_DIR"),
        "cells": get("BENCH_CELLS"),
        "cores": int(get("BENCH_CORES")),
        "memory": int(get("BENCH_MEMORY_MB")),
        "events": int(get("BENCH_EVENTS")),
    }


def size(*paths):
    return sum(os.path.getsize(p) for p in paths)


def run(engine_class, export):
    r = environment()
    data = os.path.join(r["dir"], "data")
    os.mkdir(data)
    subprocess.run([export, data], check=True)
    engine = engine_class(r)
    ndjson = {name: os.path.join(data, name + ".ndjson") for name in ("base", "new", "newest")}
    parquet = {name: os.path.join(data, name + ".parquet") for name in ndjson}
    count = {name: lines(path) for name, path in ndjson.items()}
    total = sum(count.values())
    if total != r["events"]:
        sys.exit(f"recompute.py: the export has {total} events, want {r['events']}")

    m = Meter()
    engine.to_parquet([ndjson["base"]], parquet["base"])
    say(m.line(engine, "load", count["base"], size(parquet["base"])))

    both = os.path.join(data, "both.parquet")
    engine.over_parquet([parquet["base"]])  # not measured: fills caches
    m = Meter()
    engine.to_parquet([ndjson["new"], ndjson["newest"]], both)
    engine.over_parquet([parquet["base"], both])
    say(m.line(engine, "refresh_1pct", total, size(parquet["base"], both), new_events=count["new"] + count["newest"]))
    os.remove(both)
    engine.to_parquet([ndjson["new"]], parquet["new"])
    m = Meter()
    engine.to_parquet([ndjson["newest"]], parquet["newest"])
    engine.over_parquet(list(parquet.values()))
    say(m.line(engine, "refresh_0.1pct", total, size(*parquet.values()), new_events=count["newest"]))

    m = Meter()
    engine.to_table(list(ndjson.values()))
    say(m.line(engine, "load_table", total, tree(engine.path)))
    for path in ndjson.values():
        os.remove(path)
    engine.over_table()  # not measured
    m = Meter()
    engine.over_table()
    say(m.line(engine, "refresh_table", total, tree(engine.path)))

    engine.over_parquet(list(parquet.values()))  # not measured
    for last in (False, False, True):
        m = Meter()
        rows = engine.over_parquet(list(parquet.values()))
        if not last:
            say(m.line(engine, "refresh", total, size(*parquet.values())))
            continue
        notes = ["one recompute of everything from Parquet; the line does not hold the export, nor load", "warmed up by one recompute that is not measured"]
        line = m.line(engine, "", total, size(*parquet.values()), notes, what="refresh")
        with open(r["cells"], "w") as f:
            f.writelines(cell + "\n" for cell in cells(rows))
        say(line)


def tree(folder):
    return sum(size(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def lines(path):
    n = 0
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            n += block.count(b"\n")
    return n


def describe(engine_class):
    scratch = "/tmp/tidemark-peer-describe-%d" % os.getpid()
    os.mkdir(scratch)
    try:
        engine = engine_class({"dir": scratch, "cores": 2, "memory": 6144})
        print(f"{engine.name} {engine.version}, Python {sys.version.split()[0]}")
        for name, value in engine.settings.items():
            print(f"{name}: {value}")
        print(engine.QUERY)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    peer = {"duckdb": DuckDB, "clickhouse": ClickHouse}[sys.argv[1]]
    if sys.argv[2] == "describe":
        describe(peer)
    else:
        run(peer, sys.argv[3])
