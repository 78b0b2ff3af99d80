package catalog

import (
	"math"
	"strconv"
	"strings"
)

// A shape lists the keys that one kind of mapping may have. It is the only place where keys are named: the reader
// refuses every other key, suggests from it, and the JSON Schema for editors is generated from it.
type shape struct {
	name string // what findings call it: "source", "metric.numerator"
	doc  string
	keys []key
}

// key is one key of a mapping.
type key struct {
	name     string
	kind     keyKind
	doc      string
	required bool
	alias    string   // the key whose other spelling this is
	enum     []string // of an enumKey, and the words an enumOr… key allows
	shape    *shape   // of a key that takes a mapping
	span     *span    // of a number: what the reader and the JSON Schema both allow
	// spellings are words taken for another of enum.
	spellings map[string]string
}

// valued says that the key holds one number, word or time: without it, a default holds.
func (k *key) valued() bool {
	switch k.kind {
	case durationKey, numberKey, percentKey, limitKey, integerKey, boolKey, timeKey, enumKey, numberOrShape:
		return true
	}
	return false
}

// span is the numbers that a key may hold. Its ends are far from everything meant and near to nothing that is a slip.
type span struct {
	low, high         float64
	overLow, belowTop bool   // the end itself is out
	such              string // a good value, for hints
}

// holds says whether a number is in.
func (s *span) holds(v float64) bool {
	return (v > s.low || v == s.low && !s.overLow) && (v < s.high || v == s.high && !s.belowTop)
}

// text says which numbers are in, in a unit: "" or "%".
func (s *span) text(unit string) string {
	end := func(v float64) string {
		if unit == "%" {
			v *= 100
		}
		if size := math.Abs(v); size != 0 && (size < 1e-6 || size > 1e9) {
			return strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "e+", "e", 1) + unit
		}
		return strconv.FormatFloat(v, 'f', -1, 64) + unit
	}
	low, high := "from "+end(s.low), " to "
	if s.overLow {
		low, high = "above "+end(s.low), " and at most "
	}
	if s.belowTop {
		high = strings.Replace(high, "at most ", "", 1) + "below "
	}
	return low + high + end(s.high)
}

// Spans of the numbers in definitions. Beyond 1e-12 a level is a matter of tails that no data have. Totals are of at most 18 decimals and
// 64 bits, so no variance is below 1e-36 or above 1e38. A percentile is frozen when twenty subjects lie beyond it, so one beyond the
// millionth would wait for twenty million subjects.
var (
	levelSpan      = &span{low: 1e-12, high: 0.5, belowTop: true, such: "such as 0.05"}
	varianceSpan   = &span{low: 1e-36, high: 1e38, such: "the variance of the prior on the absolute difference, in the square of the metric's unit"}
	subjectsSpan   = &span{low: 1, high: 1e12, such: "the size over both arms at which the interval is tightest, such as 10000"}
	noSubjectsSpan = &span{low: 0, high: 1e12, such: "the number of subjects over both arms"}
	quantileSpan   = &span{low: 0.000001, high: 0.999999, such: "a share, such as 0.95 for the 95th percentile"}
	upperSpan      = &span{low: 0.5, high: 0.999999, such: "the share of subjects that it leaves as they are, such as 0.999"}
	lowerSpan      = &span{low: 0.000001, high: 0.5, such: "the share of subjects that it lifts, such as 0.001"}
	liftSpan       = &span{low: 0.000001, high: 10, such: "such as 1%"}
	deviationSpan  = &span{low: 0, high: 1, belowTop: true, such: "a deviation of an arm's subjects from the plan, such as 0.5%"}
	weightSpan     = &span{low: 0.000001, high: 1e9, such: "weights are the planned split: 1 and 1, or 90 and 10"}
	capSpan        = &span{low: 0, high: 1e19, overLow: true, such: "the most that one subject counts for"}
	capLowerSpan   = &span{low: -1e19, high: 1e19, such: "the least that one subject counts for"}
	limitSpan      = &span{low: -1e18, high: 1e18, such: limitHint}
)

// keyKind is what the value of a key may be.
type keyKind uint8

const (
	textKey      keyKind = iota
	idKey                // names a definition or refers to one
	idListKey            // one id or a list
	nameKey              // names a column or something else from data
	nameListKey          // one name or a list
	textListKey          // one text or a list
	sqlKey               // a SELECT
	predicateKey         // an SQL predicate
	durationKey
	numberKey
	percentKey // 1%, or a number
	limitKey
	integerKey
	boolKey
	timeKey
	enumKey
	weightsKey     // a mapping of names to numbers
	shapeKey       // a mapping
	partKey        // a mapping that need not be complete
	numberOrShape  // a number, or a mapping
	shapeListKey   // one mapping or a list
	refOrShapeKeys // a list of ids or mappings
	experimentsKey // all, ids, or {team, owner, tag}
	freeKey        // anything; kept for others
)

// names are the keys that a hint may suggest.
func (s *shape) names() []string {
	var out []string
	for _, k := range s.keys {
		out = append(out, k.name)
	}
	return out
}

func (s *shape) find(name string) *key {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// about adds the keys that describe a definition to people and never change what it means.
func about(more ...key) []key {
	return append(more, []key{
		{name: "name", kind: textKey, doc: "Display name."},
		{name: "description", kind: textKey, doc: "What it is, for people."},
		{name: "owner", kind: textKey, doc: "Who answers for it."},
		{name: "team", kind: textKey, doc: "The owner's team."},
		{name: "tags", kind: textListKey, doc: "Words to find it by."},
		{name: "runbook", kind: textKey, doc: "Where to read what to do."},
	}...)
}

var kafkaShape = &shape{name: "kafka", doc: "A Kafka source.", keys: []key{
	{name: "topic", kind: nameKey, doc: "The topic."},
	{name: "topics", kind: nameListKey, doc: "The topics, when there are several."},
	{name: "keyed_by", kind: nameKey, doc: "The subject column that keys the topic: direct input. Without it the source is re-keyed first."},
}}

var sourceShape = &shape{name: "source", doc: "Where records come from: Kafka topics or bounded files.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The name that FROM refers to."},
	key{name: "format", kind: enumKey, enum: []string{"json", "csv"}, doc: "How a record is written. Default json, or csv if every file is named so."},
	key{name: "kafka", kind: shapeKey, shape: kafkaShape, doc: "Kafka topics."},
	key{name: "files", kind: textListKey, doc: "Bounded files (NDJSON, CSV with a header, gz, zst), relative to this file; patterns are allowed."},
	key{name: "lateness", kind: durationKey, doc: "How far behind its arrival an event may be. Default 1h; files have no limit unless asked for."},
	key{name: "profile", kind: boolKey, doc: "Rows describe subjects (dimensions) and are never late."},
	key{name: "timezone", kind: textKey, doc: "For times without a zone, such as Asia/Seoul. Default UTC."},
)}

var eventShape = &shape{name: "event", doc: "One stateless SELECT over one source.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The event's id."},
	key{name: "sql", kind: sqlKey, required: true, doc: "SELECT … FROM source WHERE …, on one line or as a | block. It yields event_time, subject ids, dimensions and parameters."},
	key{name: "dependencies", kind: idListKey, doc: "The sources it reads; checked against FROM."},
	key{name: "tests", kind: freeKey, doc: "Given records and expected events."},
)}

var termShape = &shape{name: "numerator or denominator", doc: "How a subject's events become a number.", keys: []key{
	{name: "event", kind: idKey, required: true, doc: "An event, or TRIGGERED: the subject's first exposure."},
	{name: "agg", kind: enumKey, enum: []string{"SUM", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "EXISTS", "QUANTILE", "P50", "P90", "P95", "P99"}, required: true, doc: "How a subject's events become its number. QUANTILE, and P95 for its 0.95, is of the events of an arm instead."},
	{name: "quantile", kind: numberKey, span: quantileSpan, doc: "Which quantile of the events, such as 0.95; for QUANTILE."},
	{name: "across", kind: enumKey, enum: []string{"subjects"}, doc: "subjects: COUNT_DISTINCT over all subjects of an arm together, by a sketch with an error of 1.6 %. It has no test."},
	{name: "value", kind: nameKey, doc: "The column; COUNT counts where it is not NULL."},
	{name: "where", kind: predicateKey, doc: "Only events for which this holds, over the event's columns."},
}}

var capShape = &shape{name: "cap", doc: "The range that a subject's numerator total is clipped to. A denominator is never clipped.", keys: []key{
	{name: "upper", kind: numberKey, span: capSpan, doc: "The most that one subject counts for."},
	{name: "lower", kind: numberKey, span: capLowerSpan, doc: "The least that one subject counts for, also without events."},
}}

var winsorizeShape = &shape{name: "winsorize", doc: "Percentiles, over the subjects of all variants together, beyond which a subject's numerator total is clipped. They are frozen once; until then the metric is collecting.", keys: []key{
	{name: "upper", kind: numberKey, span: upperSpan, doc: "Upper percentile, such as 0.999."},
	{name: "lower", kind: numberKey, span: lowerSpan, doc: "Lower percentile, such as 0.001."},
	{name: "zeros", kind: enumKey, enum: []string{"include", "exclude"}, doc: "exclude: percentiles of the subjects whose total is not 0. Default include."},
	{name: "after", kind: durationKey, doc: "How long after the experiment's start they are frozen at the earliest. Default: the metric's window, or 1d."},
}}

var deprecatedShape = &shape{name: "deprecated", doc: "What to use instead.", keys: []key{
	{name: "use", kind: idKey, doc: "The metric to use instead."},
	{name: "after", kind: timeKey, doc: "When it goes."},
}}

var metricShape = &shape{name: "metric", doc: "A per-subject quantity and how it is averaged.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The metric's id."},
	key{name: "metric_id", kind: idKey, alias: "id", doc: "The metric's id."},
	key{name: "type", kind: enumKey, enum: []string{"CONTINUOUS", "BINOMIAL"}, doc: "For people; it changes no arithmetic."},
	key{name: "subject", kind: nameListKey, required: true, doc: "The subject column, or a list: experiments on any of them may use the metric."},
	key{name: "numerator", kind: shapeKey, shape: termShape, required: true, doc: "What is summed."},
	key{name: "denominator", kind: shapeKey, shape: termShape, doc: "What it is divided by. Without it: subjects."},
	key{name: "slices", kind: nameListKey, doc: "Restricts this metric to those of the experiment's slices."},
	key{name: "direction", kind: enumKey, enum: []string{"up", "down", "none"}, doc: "Which way is good; none is never better or worse."},
	key{name: "format", kind: textKey, doc: "percent, count, number, duration_ms, or currency:KRW."},
	key{name: "order", kind: enumKey, enum: []string{"after_denominator", "any"}, doc: "after_denominator: a numerator event counts only from a denominator event on; the default for two events."},
	key{name: "window", kind: durationKey, doc: "How long events count after the denominator event (two events) or the first exposure."},
	key{name: "strict", kind: boolKey, doc: "true: a subject enters once, complete, when its window (from the first exposure on) is over and can no longer change; until then it contributes nothing."},
	key{name: "where", kind: predicateKey, doc: "Holds for the events of both numerator and denominator."},
	key{name: "none", kind: enumKey, enum: []string{"zero", "exclude"}, doc: "A subject without a qualifying event has 0 (zero), or is left out (exclude)."},
	key{name: "cap", kind: numberOrShape, span: capSpan, shape: capShape, doc: "The most that one subject's numerator counts for, or {upper, lower}."},
	key{name: "winsorize", kind: shapeKey, shape: winsorizeShape, doc: "Percentiles beyond which a subject's numerator is clipped."},
	key{name: "deprecated", kind: shapeKey, shape: deprecatedShape, doc: "What to use instead."},
)}

var exposureShape = &shape{name: "exposure", doc: "The event at which a subject met its variant.", keys: []key{
	{name: "event", kind: idKey, required: true, doc: "The exposure event."},
	{name: "variant", kind: nameKey, doc: "The column that names the variant. Default variant."},
	{name: "where", kind: predicateKey, doc: "Only exposures for which this holds."},
	{name: "lateness", kind: durationKey, doc: "How far behind its arrival an exposure may be; at most the source's. Default 10m."},
}}

var guardrailShape = &shape{name: "guardrail", doc: "A metric watched for harm.", keys: []key{
	{name: "metric", kind: idKey, required: true, doc: "The metric."},
	{name: "limit", kind: limitKey, span: limitSpan, doc: "+5% is a lift, +0.02 a difference; the sign is the harmful direction."},
}}

var metricUseShape = &shape{name: "metric of an experiment", doc: "A metric, or every metric with a tag.", keys: []key{
	{name: "metric", kind: idKey, doc: "The metric."},
	{name: "tag", kind: textKey, doc: "Every metric with this tag."},
}}

var sliceShape = &shape{name: "slice", doc: "A dimension.", keys: []key{
	{name: "dimension", kind: nameKey, required: true, doc: "The column."},
	{name: "of", kind: idKey, doc: "Where its value comes from: event (the metrics' own events), or the id of the exposure or profile event."},
	{name: "values", kind: nameListKey, doc: "For an event dimension of many values: those to keep."},
}}

var cupedShape = &shape{name: "cuped", doc: "Variance reduction by the time before the exposure.", keys: []key{
	{name: "pre_period", kind: durationKey, required: true, doc: "Whole days, such as 14d."},
}}

var sequentialShape = &shape{name: "sequential", doc: "How the always-valid interval is made.", keys: []key{
	{name: "subjects", kind: integerKey, span: subjectsSpan, doc: "It is tightest at this number of subjects over both arms. Default 10000."},
	{name: "tau2", kind: numberKey, span: varianceSpan, doc: "Fixes the prior's variance instead."},
	{name: "mixture", kind: enumKey, enum: []string{"normal", "student"}, doc: "student knows that variances are estimated, which guards small samples. Default normal."},
	{name: "final_look", kind: boolKey, doc: "true: half of alpha is kept for one classical look at the planned end."},
}}

var srmShape = &shape{name: "srm", doc: "The sample ratio check.", keys: []key{
	{name: "min_deviation", kind: percentKey, span: deviationSpan, doc: "The smallest deviation of an arm's subjects from the plan that fails it, such as 0.5%. Default 0."},
}}

var statsShape = &shape{name: "stats", doc: "How results are tested.", keys: []key{
	{name: "interval", kind: enumKey, enum: []string{"always_valid", "fixed"}, doc: "Which interval decides the state words; those of fixed hold for one look at a time fixed beforehand, and never alert. Default always_valid."},
	{name: "alpha", kind: numberKey, span: levelSpan, doc: "Significance level. Default 0.05."},
	{name: "mde", kind: percentKey, span: liftSpan, doc: "The smallest lift worth finding."},
	{name: "lift", kind: enumKey, enum: []string{"fieller", "delta", "log"}, doc: "How intervals of lifts are made; only fieller always agrees with the difference. Default fieller."},
	{name: "correction", kind: enumKey, enum: corrections, spellings: map[string]string{"e-bh": "ebh"}, doc: correctionDoc},
}}

var corrections = []string{"none", "bonferroni", "holm", "bh", "ebh"}

const correctionDoc = "For many comparisons, over all metrics and treatments: the family-wise error rate (bonferroni, holm) or the false discovery rate (bh, ebh; ebh holds at every look, and may be written e-bh). Default none."

var rampShape = &shape{name: "ramp", doc: "A step of a ramp: from when on subjects are split by other weights. The split is checked in each stretch between two steps against its own weights.", keys: []key{
	{name: "from", kind: timeKey, required: true, doc: "Subjects first exposed from here on are split by these weights."},
	{name: "weights", kind: weightsKey, required: true, doc: "Every variant with its planned weight."},
}}

var experimentShape = &shape{name: "experiment", doc: "A question and its arms.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The experiment's id."},
	key{name: "hypothesis", kind: textKey, doc: "What is expected and why."},
	key{name: "active", kind: boolKey, doc: "false: kept, but it costs nothing. Default true."},
	key{name: "subject", kind: nameListKey, doc: "What is randomised: a column of the exposure event. Default: the one its metrics have in common."},
	key{name: "exposure", kind: shapeKey, shape: exposureShape, required: true, doc: "The event at which a subject met its variant."},
	key{name: "variants", kind: weightsKey, required: true, doc: "Variants with their planned weights."},
	key{name: "ramp", kind: shapeListKey, shape: rampShape, doc: "When the weights change, in the order of time; until the first step they are those of variants. A step may be added while the experiment runs, without a rebuild."},
	key{name: "control", kind: nameKey, required: true, doc: "The variant that the others are compared with."},
	key{name: "start", kind: timeKey, required: true, doc: "Exposures before it do not count."},
	key{name: "end", kind: timeKey, doc: "Planned end; cuts nothing."},
	key{name: "stop", kind: timeKey, doc: "Events from here on do not count."},
	key{name: "goals", kind: refOrShapeKeys, shape: metricUseShape, doc: "Metrics that decide."},
	key{name: "secondary", kind: refOrShapeKeys, shape: metricUseShape, doc: "Metrics that explain."},
	key{name: "guardrails", kind: refOrShapeKeys, shape: guardrailShape, doc: "Metrics watched for harm."},
	key{name: "slices", kind: refOrShapeKeys, shape: sliceShape, doc: "Dimensions, crossed in full; at most 8."},
	key{name: "crossover", kind: enumKey, enum: []string{"exclude", "first"}, doc: "What becomes of a subject with two variants. Default exclude."},
	key{name: "cuped", kind: shapeKey, shape: cupedShape, doc: "Variance reduction by the time before the exposure."},
	key{name: "alpha", kind: numberKey, span: levelSpan, doc: "Significance level. Default 0.05."},
	key{name: "sequential", kind: shapeKey, shape: sequentialShape, doc: "How the always-valid interval is made."},
	key{name: "correction", kind: enumKey, enum: corrections, spellings: map[string]string{"e-bh": "ebh"}, doc: correctionDoc},
	key{name: "srm", kind: shapeKey, shape: srmShape, doc: "The sample ratio check."},
	key{name: "stats", kind: shapeKey, shape: statsShape, doc: "How results are tested."},
)}

var stateWords = []string{"better", "worse", "not_clear", "unreliable", "collecting", "no_data", "failed"}

var whenShape = &shape{name: "when", doc: "The condition: exactly one.", keys: []key{
	{name: "guardrail", kind: enumKey, enum: []string{"crossed", "near"}, doc: "Any guardrail is crossed, or near its limit."},
	{name: "metric", kind: idKey, doc: "A metric of the experiment, or any_guardrail; with state."},
	{name: "state", kind: enumKey, enum: append([]string{"crossed", "near"}, stateWords...), doc: "The state word of the metric, by its always-valid result."},
	{name: "srm", kind: enumKey, enum: []string{"failed"}, doc: "The split between variants is off beyond chance."},
	{name: "stale", kind: durationKey, doc: "The data are older than this."},
	{name: "lag", kind: textKey, doc: "Another spelling of stale, such as \">5m\"."},
}}

var alertShape = &shape{name: "alert", doc: "A rule on experiments.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The alert's id."},
	key{name: "experiments", kind: experimentsKey, doc: "all, or ids. Default all."},
	key{name: "for_experiments", kind: experimentsKey, alias: "experiments", doc: "all, ids, or {team: …}, {owner: …}, {tag: …}."},
	key{name: "when", kind: shapeKey, shape: whenShape, required: true, doc: "The condition: exactly one."},
	key{name: "for", kind: durationKey, doc: "How long it must hold before the alert fires."},
	key{name: "min_subjects", kind: integerKey, span: noSubjectsSpan, doc: "Smallest number of subjects over both arms."},
	key{name: "severity", kind: enumKey, enum: []string{"critical", "error", "warning", "info", "page"}, doc: "How bad it is. Default warning; page is critical."},
	key{name: "summary", kind: textKey, doc: "A text/template over Experiment, Metric, Lift, Limit, …"},
	key{name: "receivers", kind: idListKey, doc: "Who is told."},
)}

var slackShape = &shape{name: "slack", doc: "A Slack incoming webhook.", keys: []key{
	{name: "url_file", kind: textKey, doc: "A file that holds the webhook's URL, relative to this file."},
	{name: "url", kind: textKey, doc: "Only for a URL that is no secret, such as a test receiver's."},
}}

var pagerDutyShape = &shape{name: "pagerduty", doc: "PagerDuty Events v2.", keys: []key{
	{name: "routing_key_file", kind: textKey, required: true, doc: "A file that holds the integration's routing key, relative to this file."},
	{name: "url", kind: textKey, doc: "Another endpoint than PagerDuty's."},
}}

var webhookShape = &shape{name: "webhook", doc: "A webhook signed by Standard Webhooks.", keys: []key{
	{name: "url", kind: textKey, required: true, doc: "Where to post."},
	{name: "secret_file", kind: textKey, doc: "A file that holds the signing secret, relative to this file."},
}}

var receiverShape = &shape{name: "receiver", doc: "Where notifications go: exactly one of slack, pagerduty, webhook.", keys: about(
	key{name: "id", kind: idKey, required: true, doc: "The receiver's id."},
	key{name: "slack", kind: shapeKey, shape: slackShape, doc: "A Slack incoming webhook."},
	key{name: "pagerduty", kind: shapeKey, shape: pagerDutyShape, doc: "PagerDuty Events v2."},
	key{name: "webhook", kind: shapeKey, shape: webhookShape, doc: "A webhook signed by Standard Webhooks."},
)}

// defaultsShape holds, by kind, values for the keys that definitions of that kind leave out.
var defaultsShape = &shape{name: "defaults", doc: "Values for keys that definitions leave out.", keys: []key{
	{name: "source", kind: partKey, shape: sourceShape, doc: "For sources."},
	{name: "event", kind: partKey, shape: eventShape, doc: "For events."},
	{name: "metric", kind: partKey, shape: metricShape, doc: "For metrics."},
	{name: "experiment", kind: partKey, shape: experimentShape, doc: "For experiments."},
	{name: "alert", kind: partKey, shape: alertShape, doc: "For alerts."},
	{name: "receiver", kind: partKey, shape: receiverShape, doc: "For receivers."},
}}

// fileShape is the top level of a document. Each kind may be one mapping or a list, under its name or its plural.
var fileShape = &shape{name: "document", doc: "Definitions.", keys: []key{
	{name: "source", kind: shapeListKey, shape: sourceShape, doc: "Where records come from."},
	{name: "sources", kind: shapeListKey, shape: sourceShape, doc: "Where records come from."},
	{name: "event", kind: shapeListKey, shape: eventShape, doc: "What happened."},
	{name: "events", kind: shapeListKey, shape: eventShape, doc: "What happened."},
	{name: "metric", kind: shapeListKey, shape: metricShape, doc: "What is measured."},
	{name: "metrics", kind: shapeListKey, shape: metricShape, doc: "What is measured."},
	{name: "experiment", kind: shapeListKey, shape: experimentShape, doc: "What is asked."},
	{name: "experiments", kind: shapeListKey, shape: experimentShape, doc: "What is asked."},
	{name: "alert", kind: shapeListKey, shape: alertShape, doc: "Who is told when."},
	{name: "alerts", kind: shapeListKey, shape: alertShape, doc: "Who is told when."},
	{name: "receiver", kind: shapeListKey, shape: receiverShape, doc: "Where notifications go."},
	{name: "receivers", kind: shapeListKey, shape: receiverShape, doc: "Where notifications go."},
	{name: "defaults", kind: shapeKey, shape: defaultsShape, doc: "Values for keys that definitions leave out."},
	{name: "route", kind: freeKey, doc: "Kept for a later version."},
}}
