-- The job as Flink SQL. Placeholders ${…} are filled in by Flink.java; statements end with a semicolon at the end of a line.
-- Dimensions are subject-level, so each subject sits in one base cell and the groupings can be rolled up from base cells:
-- the changelog of single subjects meets one aggregation, not the eight-fold Expand of a CUBE over subjects (plan=cube in Flink.java).

CREATE TABLE events (
  `type` STRING,
  `user` ROW<id STRING, plan STRING>,
  device ROW<platform STRING, country STRING>,
  experiment ROW<`variant` STRING>,
  cents BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic}',
  'properties.bootstrap.servers' = '${brokers}',
  'properties.group.id' = '${own}flink',
  'properties.enable.auto.commit' = 'false',
  'properties.fetch.min.bytes' = '65536',
  'properties.max.poll.records' = '5000',
  'properties.max.partition.fetch.bytes' = '4194304',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'format' = 'json'
);

-- Per-subject totals.
CREATE TEMPORARY VIEW subjects AS
SELECT
  experiment.`variant` AS `variant`, device.platform AS platform, device.country AS country, `user`.plan AS plan,
  COUNT(*) FILTER (WHERE `type` = 'click') AS clicks,
  COUNT(*) FILTER (WHERE `type` = 'impression') AS impressions,
  COUNT(*) FILTER (WHERE `type` = 'purchase') AS purchases,
  SUM(cents) AS cents
FROM events
GROUP BY experiment.`variant`, device.platform, device.country, `user`.plan, `user`.id;

-- Their sums and products in each base cell, every dimension fixed. Σcents² passes a BIGINT, so it is taken in parts (common/Cell.java).
CREATE TEMPORARY VIEW base AS
SELECT
  `variant`, platform, country, plan,
  COUNT(*) AS n, SUM(clicks) AS clicks, SUM(impressions) AS impressions, SUM(purchases) AS purchases, SUM(cents) AS cents,
  SUM(clicks * clicks) AS clicks2, SUM(impressions * impressions) AS impressions2, SUM(purchases * purchases) AS purchases2,
  SUM((cents / 65536) * (cents / 65536)) AS cents_hh, SUM((cents / 65536) * MOD(cents, CAST(65536 AS BIGINT))) AS cents_hl,
  SUM(MOD(cents, CAST(65536 AS BIGINT)) * MOD(cents, CAST(65536 AS BIGINT))) AS cents_ll,
  SUM(clicks * impressions) AS clicks_impressions, SUM(purchases * clicks) AS purchases_clicks
FROM subjects
GROUP BY `variant`, platform, country, plan;

-- All eight groupings; grouping has a bit for each dimension that is not fixed.
CREATE TEMPORARY VIEW cells_rollup AS
SELECT
  `variant`, GROUPING_ID(platform, country, plan) AS `grouping`, platform, country, plan,
  SUM(n), SUM(clicks), SUM(impressions), SUM(purchases), SUM(cents),
  SUM(clicks2), SUM(impressions2), SUM(purchases2), SUM(cents_hh), SUM(cents_hl), SUM(cents_ll), SUM(clicks_impressions), SUM(purchases_clicks)
FROM base
GROUP BY GROUPING SETS (
  (`variant`), (`variant`, platform), (`variant`, country), (`variant`, plan),
  (`variant`, platform, country), (`variant`, platform, plan), (`variant`, country, plan), (`variant`, platform, country, plan));

-- The same the short way, over subjects; slower, kept to show by how much.
CREATE TEMPORARY VIEW cells_cube AS
SELECT
  `variant`, GROUPING_ID(platform, country, plan) AS `grouping`, platform, country, plan,
  COUNT(*), SUM(clicks), SUM(impressions), SUM(purchases), SUM(cents),
  SUM(clicks * clicks), SUM(impressions * impressions), SUM(purchases * purchases),
  SUM((cents / 65536) * (cents / 65536)), SUM((cents / 65536) * MOD(cents, CAST(65536 AS BIGINT))), SUM(MOD(cents, CAST(65536 AS BIGINT)) * MOD(cents, CAST(65536 AS BIGINT))), SUM(clicks * impressions), SUM(purchases * clicks)
FROM subjects
GROUP BY GROUPING SETS (
  (`variant`), (`variant`, platform), (`variant`, country), (`variant`, plan),
  (`variant`, platform, country), (`variant`, platform, plan), (`variant`, country, plan), (`variant`, platform, country, plan));
