package slack

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	api "github.com/slack-go/slack"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Limits, in characters as they are sent. Each fact has its own, so that the sum stays below Block Kit's 3,000 for a
// section whatever the names are, and no cut falls into an entity or a link.
const (
	maxSection = 3000
	maxSummary = 1500
	maxFact    = 200
	maxLink    = 500
)

// message lays a notification out as ux says: the first line must survive a phone's preview, the second proves it,
// the third says whose it is and where to look.
func message(n *notify.Notification) *api.WebhookMessage {
	first := headline(n)
	blocks := []api.Block{section(bold(first))}
	if t := evidence(n); t != "" {
		blocks = append(blocks, section(t))
	}
	if cautioned(n) {
		blocks = append(blocks, aside(fact(n.Caution)))
	}
	if n.WorstSlice != "" && n.Transition == notify.Firing {
		blocks = append(blocks, aside("worst slice: "+fact(n.WorstSlice)))
	}
	blocks = append(blocks, aside(footer(n)))
	off := false
	text := first
	if t := evidence(n); t != "" {
		text += "\n" + t
	}
	if cautioned(n) {
		text += "\n" + fact(n.Caution)
	}
	return &api.WebhookMessage{
		Text:   text, // the fallback: notifications, screen readers, search
		Blocks: &api.Blocks{BlockSet: blocks}, UnfurlLinks: &off, UnfurlMedia: &off,
	}
}

// cautioned says that the caution has a line of its own: the summary has none, because its rule words it otherwise.
func cautioned(n *notify.Notification) bool {
	return n.Caution != "" && n.Transition == notify.Firing && !strings.Contains(n.Summary, n.Caution)
}

// headline: which way, what, how much, against which limit, where, since when, how bad.
func headline(n *notify.Notification) string {
	var b strings.Builder
	b.WriteString(mark(n) + " " + escapeTo(oneLine(n.Summary), maxSummary))
	if n.Variant != "" {
		b.WriteString(" · arm " + fact(n.Variant))
	}
	if n.Transition == notify.Firing {
		b.WriteString(" · since " + n.Clock(n.Since))
	} else {
		b.WriteString(" · resolved " + n.Clock(n.At))
	}
	if n.Severity != "" && n.Transition == notify.Firing {
		b.WriteString("  [" + fact(n.Severity) + "]")
	}
	return b.String()
}

// mark is a shape, not a colour: movement for a metric, a warning for the rest, a tick when it is over.
func mark(n *notify.Notification) string {
	switch {
	case n.Transition == notify.Resolved:
		return "✓ RESOLVED"
	case n.Metric == "":
		return "⚠"
	case n.Up:
		return "▲"
	}
	return "▼"
}

func evidence(n *notify.Notification) string {
	var parts []string
	add := func(ok bool, text string) {
		if ok {
			parts = append(parts, text)
		}
	}
	add(n.ControlValue != "" && n.VariantValue != "", "control "+fact(n.ControlValue)+" → "+bold(fact(n.VariantValue)))
	add(n.Interval != "", n.Level+" always-valid "+fact(n.Interval+unit(n.Lift)))
	add(n.ControlSubjects != "" && n.VariantSubjects != "", "n "+n.ControlSubjects+" / "+n.VariantSubjects)
	add(n.ControlSubjects == "" && n.Subjects != "", "n "+n.Subjects+arms(n))
	add(true, health(n))
	return strings.Join(parts, "   ")
}

const maxArms = 8

// arms lists the subjects of each variant, for alerts about their split.
func arms(n *notify.Notification) string {
	if n.Kind != notify.SRM || len(n.SubjectCounts) == 0 {
		return ""
	}
	var parts []string
	for i, id := range slices.Sorted(maps.Keys(n.SubjectCounts)) {
		if i == maxArms {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fact(id)+" "+n.SubjectTexts[id])
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// unit is what follows the number in the effect's text: an interval is written without, and here nothing stands
// before it that would tell.
func unit(effect string) string {
	return effect[strings.LastIndexAny(effect, "0123456789")+1:]
}

func health(n *notify.Notification) string {
	var facts []string
	if n.Lag != "" {
		facts = append(facts, "lag "+n.Lag)
	}
	if n.SRMP != "" {
		facts = append(facts, "SRM p "+fact(n.SRMP))
	}
	word := "data ok"
	switch {
	case n.Kind == notify.Stale && n.Transition == notify.Firing:
		word = "data stale"
	case n.SRMState == "failed":
		word = "split not as planned"
	case n.Behind:
		word = "data behind"
	}
	if len(facts) == 0 {
		return word
	}
	return word + " (" + strings.Join(facts, ", ") + ")"
}

func footer(n *notify.Notification) string {
	parts := []string{"rule " + fact(n.Rule)}
	if n.Transition == notify.Resolved && n.Reason != "" {
		parts = append(parts, "reason "+fact(n.Reason))
	}
	if n.Owner != "" {
		parts = append(parts, "owner "+fact(n.Owner))
	}
	if n.Link != "" && len(n.Link) <= maxLink {
		parts = append(parts, link(n.Link, "Open "+n.Experiment))
	}
	if n.Runbook != "" && len(n.Runbook) <= maxLink {
		parts = append(parts, link(n.Runbook, "Runbook"))
	}
	return strings.Join(parts, " · ") + " · id " + fact(n.ID)
}

func section(text string) api.Block {
	return api.NewSectionBlock(api.NewTextBlockObject(api.MarkdownType, text, false, false), nil, nil)
}

func aside(text string) api.Block {
	return api.NewContextBlock("", api.NewTextBlockObject(api.MarkdownType, text, false, false))
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape makes text plain for mrkdwn: the three characters that Slack gives a meaning beyond style. With them gone
// <!channel>, <@U…> and <url|text> are just text.
func Escape(text string) string { return escaper.Replace(text) }

func fact(text string) string { return escapeTo(oneLine(text), maxFact) }

// escapeTo escapes text and cuts it to limit characters, between characters of text.
func escapeTo(text string, limit int) string {
	escaped := Escape(text)
	if utf8.RuneCountInString(escaped) <= limit {
		return escaped
	}
	var b strings.Builder
	left := limit - 1 // for the …
	for _, r := range text {
		e := Escape(string(r))
		if left -= utf8.RuneCountInString(e); left < 0 {
			break
		}
		b.WriteString(e)
	}
	return b.String() + "…"
}

// bold puts text in bold unless a star in it would end that early.
func bold(text string) string {
	if text == "" || strings.Contains(text, "*") {
		return text
	}
	return "*" + text + "*"
}

// link writes <url|text>; a | or > in the URL would end it early.
func link(url, text string) string {
	url = strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", " ", "%20", "&", "&amp;").Replace(url)
	return "<" + url + "|" + strings.ReplaceAll(fact(text), "|", "¦") + ">"
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
