package catalog

// everyKey uses every key that a definition may have, in the shapes of the design's companion text (ux.md §3.1).
const everyKey = `sources:
  - {id: orders, name: Orders, description: Captured payments, owner: a, team: b, tags: [t], runbook: r, format: json, kafka: {topic: orders}, lateness: 2h, profile: false, timezone: Asia/Seoul}
  - {id: exposures, kafka: {topics: [e1, e2], keyed_by: user_id}}
  - {id: people, files: "people-*.csv", profile: true}
---
events:
  - id: PURCHASE
    name: Purchase
    owner: "@growth"
    team: commerce
    description: Order with captured payment.
    tags: [money]
    runbook: https://example.com
    dependencies: [orders]
    sql: |
      SELECT user_id, device_id, session_id, platform,
             "order".id                 AS event_id,
             TO_TIMESTAMP(ts / 1000)        AS event_time,
             CAST("order".total AS DOUBLE) AS revenue,
             "order".category           AS category
      FROM   orders
      WHERE  status = 'PAID'
    tests:
      - name: refunds are ignored
        given:  [{user_id: u1, ts: 1767225600000, status: REFUND, order: {total: 10}}]
        expect: []
  - {id: EXPOSURE, sql: "SELECT user_id, arm, experiment_id, TO_TIMESTAMP(ts) AS event_time FROM exposures"}
  - {id: PERSON, sql: "SELECT user_id, country FROM people"}
---
metrics:
  - metric_id: REVENUE_PER_ORDER
    name: Revenue per order
    description: Money by order.
    owner: a
    team: b
    tags: [core]
    runbook: r
    type: CONTINUOUS
    subject: [user_id]
    numerator: {event: PURCHASE, agg: SUM, value: revenue, where: "platform <> 'test'"}
    denominator: {event: PURCHASE, agg: COUNT}
    slices: [platform, country]
    direction: up
    format: currency:KRW
    order: any
    window: 1d
    strict: true
    where: "category <> 'gift'"
    none: exclude
    cap: {upper: 1000, lower: -1000}
    winsorize: {upper: 0.999, lower: 0.001, zeros: exclude, after: 2d}
    deprecated: {use: BUYERS, after: 2026-06-01}
  - {id: BUYERS, subject: user_id, numerator: {event: PURCHASE, agg: EXISTS}, direction: none, tags: [core]}
  - {id: REVENUE_P75, subject: user_id, numerator: {event: PURCHASE, agg: QUANTILE, quantile: 0.75, value: revenue}, direction: up}
  - {id: CATEGORIES, subject: user_id, numerator: {event: PURCHASE, agg: COUNT_DISTINCT, value: category, across: subjects}, direction: up}
  - {id: EXPOSED, subject: user_id, numerator: {event: TRIGGERED, agg: COUNT}, direction: up}
---
experiment:
  id: search_rerank_v2
  name: Search
  description: Search by freshness.
  owner: "@search"
  team: search
  tags: [q1]
  runbook: r
  hypothesis: Re-ranking by freshness lifts CTR without hurting latency.
  active: true
  subject: user_id
  exposure: {event: EXPOSURE, variant: arm, where: "experiment_id = 'search_rerank_v2'", lateness: 5m}
  variants: {control: 50, rerank_v2: 50}
  ramp: [{from: 2026-03-05, weights: {control: 10, rerank_v2: 90}}]
  control: control
  start: 2026-03-02
  end: 2026-03-16T00:00:00+09:00
  stop: 2026-03-20 12:00:00
  goals: [REVENUE_PER_ORDER]
  guardrails: [{metric: EXPOSED, limit: -0.1%}]
  secondary: [{metric: BUYERS}, {tag: core}]
  slices: [country, {dimension: platform, of: event, values: [ios, android]}]
  crossover: first
  cuped: {pre_period: 2w}
  alpha: 0.01
  sequential: {tau2: 1e-4, mixture: student, final_look: false}
  correction: bh
  srm: {min_deviation: 0.5%}
  stats: {interval: fixed, mde: 1%, lift: log}
---
experiment:
  id: other
  exposure: {event: EXPOSURE, variant: arm}
  variants: {a: 1, b: 1}
  control: a
  start: 2026-03-02
  goals: [BUYERS]
  sequential: {subjects: 5000}
  stats: {alpha: 0.05, correction: e-bh}
---
alerts:
  - {id: a1, name: n, team: t, tags: [x], owner: o, description: d, runbook: r, for_experiments: {team: search}, when: {metric: any_guardrail, state: crossed}, for: 2m, min_subjects: 10000, severity: page, summary: "{{.Experiment}}", receivers: [pd]}
  - {id: a2, experiments: [other], when: {metric: BUYERS, state: worse}, receivers: [hook]}
  - {id: a3, experiments: {owner: "@search"}, when: {srm: failed}, receivers: [slack]}
  - {id: a4, experiments: {tag: q1}, when: {stale: 5m}, receivers: [slack2]}
  - {id: a5, when: {lag: ">5m"}, receivers: slack}
  - {id: a6, experiments: all, when: {guardrail: near}, receivers: slack}
---
receivers:
  - {id: pd, name: n, description: d, owner: o, team: t, tags: [x], runbook: r, pagerduty: {routing_key_file: secrets/pd, url: "http://127.0.0.1:1/v2/enqueue"}}
  - {id: hook, webhook: {url: https://example.com/hook, secret_file: secrets/hook}}
  - {id: slack, slack: {url_file: secrets/slack}}
  - {id: slack2, slack: {url: "http://localhost:9/slack"}}
---
defaults: {source: {owner: "@data"}, event: {team: data}, metric: {owner: "@data"}, experiment: {owner: "@data"}, alert: {severity: error}, receiver: {team: data}}
---
route:
  receiver: slack-search
  group_by: [experiment]
`
