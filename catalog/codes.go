package catalog

import (
	"maps"
	"slices"
)

// Explanation says in a paragraph what a code means and what to do about it.
func Explanation(code string) (string, bool) {
	text, ok := explanations[code]
	return text, ok
}

// Codes are all codes of findings, sorted. A code is never used again for something else.
func Codes() []string { return slices.Sorted(maps.Keys(explanations)) }

var explanations = map[string]string{
	"E001": "A definition file or folder can't be read. What it defines would be missing without a word, so nothing is loaded until it can be read. Check that it exists and that its permissions and those of its folder let the process in.",
	"E002": "The file is not YAML as the reader understands it, or not UTF-8 text. The most common causes: a tab as indentation, a value with \": \" or \" #\" in it that needs quotes, a bracket or quote that is not closed. SQL is best written as a | block, where nothing needs quotes.",
	"E003": "The file or its shape is beyond what definitions need: at most 1 MiB a file, 32 levels, 1,000 keys in a mapping. The limits keep a small hostile file from costing much memory or time. Divide the file.",
	"E004": "Anchors (&), aliases (*), merge keys (<<), tags (!) and complex keys (?) are refused. They let a small file expand into a huge one, and they hide from a reader of the line what it means. Write the values out; what several definitions share belongs into an event or a metric.",
	"E005": "The same key, name or column stands twice, so one of the two would silently lose. Keep one. alpha and correction may stand in the experiment or below its stats: they are the same settings.",
	"E006": "The key is not one that this kind of definition has, and it would have no effect. The hint gives the nearest one, or all of them. `tidemark schema` prints a JSON Schema with which editors complete and check keys.",
	"E007": "A key that is needed is missing or has no value.",
	"E008": "The value has the wrong shape: a mapping where one value belongs, a list where a mapping belongs, or SQL over several lines that is not a | block (other YAML styles fold line breaks away, and errors could not be placed).",
	"E009": "The value can't be read as what the key holds. Durations are 30s, 10m, 1h30m, 14d; times are RFC 3339 with an offset, or without (UTC); lifts are +5%; numbers are decimal.",
	"E010": "The key takes one of a few words, and this is not one of them.",
	"E011": "Two definitions of one kind have the same id. Which of them would count depended on the order of files, so neither does. Rename or remove one.",
	"E012": "A definition refers to another that does not exist. Ids are compared exactly, case included; the hint gives the nearest one and where it is defined.",
	"E013": "Ids become part of URLs, topic keys and file names, so they are letters, digits, _ - and ., at most 128, and begin with a letter, a digit or _. TRIGGERED is built in.",
	"E014": "There is nothing to load: no *.yaml or *.yml file below the folder (hidden ones are skipped), or no definition in them.",
	"E015": "Of several keys exactly one must be there, and none or more than one is: a source has kafka or files, a receiver one destination, an alert one condition.",
	"E016": "A secret stands in a definition file, or a key for one. Definitions are under version control and are shown in pages and logs, so secrets live in files of their own: routing_key_file, secret_file, url_file, relative to the definition. Findings never print the value. Since it was in a file that others may have read, replace the secret as well.",
	"E017": "The value can be read but is out of its range. The finding says which range that is; `tidemark schema` has the same ones. Ranges are wide: what lies outside can't have been meant, could never take effect, or leaves what numbers can hold.",
	"E018": "CSV names its columns in a header row, which files have and records of a topic have not. A topic's records are JSON.",
	"E020": "The event's SQL does not parse or type-check. Events are one stateless SELECT … FROM source WHERE …, in a subset of DuckDB's dialect; aggregation, joins and sorting are not part of an event: a metric's agg aggregates.",
	"E021": "FROM must name a source by its id. Topics and files belong to the source, so that the SQL is the same in production and over exported data.",
	"E022": "event_id says which records are one and the same event, and by it duplicates are left out. A constant makes all events of a subject duplicates of its first. Take it from a field that is unique for each event, or leave it out: then the record's own place (topic, partition, offset) is its identity.",
	"E023": "Every event needs event_time: order, windows, lateness and the experiment's period are decided by it. TO_TIMESTAMP(seconds), EPOCH_MS(milliseconds), CAST(text AS TIMESTAMPTZ) for text with an offset, CAST(text AS TIMESTAMP) for text without one, which is read in the source's timezone. Only events over profile sources may do without.",
	"E024": "dependencies tell people and schedulers what an event reads. They must be what FROM says.",
	"E031": "The event has no column of that name. Subjects, variants, values and slices are columns of the event's SELECT, by the name after AS.",
	"E032": "The column's type does not fit its use: SUM, MAX and MIN take numbers, a slice takes something that repeats, a variant takes text. Fields of JSON have no declared type and are taken as they come; fields of CSV are text, so CAST them.",
	"E033": "TRIGGERED is the subject's first exposure, exactly one for each exposed subject: it can be counted and has no values. Profile sources describe subjects; their events are neither exposures nor counted.",
	"E034": "A metric adds up per subject, so its subject must contain the experiment's. If its events do have that column, add it to the metric's subject: it may be a list.",
	"E035": "The condition does not parse or type-check over the event's columns.",
	"E036": "With strict a subject enters the metric once, when its window is over. So the metric needs a window, and one that runs from the first exposure on: after a denominator event there may always be another.",
	"E040": "control names one of the variants; the others are compared with it.",
	"E041": "variants maps each variant to its planned weight, a number from 0 on, at least one above 0. The split is checked against the weights (SRM), so they must be what the assignment really used.",
	"E042": "An experiment runs from start up to, not including, stop; end is when it is planned to be over. Both lie after start.",
	"E043": "All groupings of an experiment's slices are kept, 2^d of them, so there are at most 8 slices.",
	"E044": "A slice is a column of the exposure event, else of a profile event, else of the events that the metrics read; this one is none, or it differs for every subject.",
	"E045": "The slice is a column of the metrics' own events, and one of the events that a metric reads lacks it: its numbers would stand in no slice. Add the column, or restrict the slices of that metric.",
	"E046": "An exposure may come at most as late as any event of its source: lateness under exposure must not exceed that of the source.",
	"E047": "A metric has one role in an experiment: results are keyed by experiment, metric, slice and variant.",
	"E048": "The sign of a guardrail's limit is the harmful direction; 0 has none.",
	"E049": "Two settings of how results are tested contradict each other. A final look needs a planned end to be at, and an always-valid interval to stand beside; e-BH needs e-values, which neither a fixed-horizon test nor a final look has.",
	"E051": "An alert's summary is a Go text/template and must parse: an alert that can't be worded must not be found out when it fires.",
	"E052": "A step of a ramp says from when on every variant has another planned weight. Steps lie after start and before stop, in the order of time, and each names all variants.",
	"W101": "Without a direction up is taken for better. For latency, crashes or cost that is wrong, and the page would call harm better. Say up, down or none.",
	"W102": "The key is understood and checked, but this version does nothing with it yet. Results are as if it were not there.",
	"W103": "The sign of a guardrail's limit says which way harm lies; the metric's direction says which way good lies. Here they are the same way. One of the two is a slip.",
	"W104": "keyed_by promises that the topic is partitioned by the subject, so that records need not be produced again. The subject of this event is not that field as it is, so the source goes through the re-key stage after all.",
	"W105": "The key has no effect where it stands, which its author can hardly have meant: leave it out, or look for what was meant.",
	"W106": "No file matches the pattern now. Checking definitions where the data are not is fine; reading the source will fail.",
	"W107": "The alert watches nothing as things stand.",
	"W108": "A guardrail without a limit is shown but can never be crossed.",
	"W109": "Nobody would be told, or the receiver can't check who tells it.",
	"W110": "The metric's own definition says that it is to be replaced.",
	"W111": "slices on a metric restrict it to those of its experiments' slices; no event has a column of this name, so it is most likely a slip.",
	"W112": "Notifications name experiments and numbers; over plain HTTP everybody on the way can read them.",
	"W113": "With a date as its time every event of a day happens at midnight in the source's timezone, so order and windows within a day can't be decided.",
	"W114": "Lateness is measured against the time at which the broker got a record. A topic with CreateTime carries the producers' clocks instead: a producer whose clock is ahead makes the records of others late, and what it held back arrives unnoticed. Set message.timestamp.type=LogAppendTime on the topic.",
	"W115": "The step of the ramp can be as it stands, but changes nothing or lies past the planned end. Most likely it is a slip.",
	"W116": "A subject's total is clipped by cap and by winsorize. Both hold: the range is where the two overlap, so on each side only the narrower one shows. Leave one out unless that is meant.",
	"W117": "A share from a half on, without a percent sign, is most often a number of percent: 5 is 500%, and 5% is 0.05. It is read as written. Write the sign.",
	"W118": "Benjamini–Hochberg holds at one planned look. With the always-valid interval the p-values are looked at again and again, and what is called better or worse at some look has no such guarantee. e-BH does the same from e-values and Holm is stricter; or plan one look with stats: {interval: fixed}.",
}
