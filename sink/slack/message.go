package slack

import (
	"maps"
	"slices"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Limits of Block Kit and of messages, in characters.
const (
	maxSection = 3000
	maxContext = 2000 // our own, below Slack's
	maxText    = 4000
)

// message lays a notification out as ux says: the first line must survive a phone's preview, the second proves it,
// the third says whose it is and where to look.
func message(n *notify.Notification) *api.WebhookMessage {
	first := headline(n)
	blocks := []api.Block{section("*" + first + "*")}
	if t := evidence(n); t != "" {
		blocks = append(blocks, section(t))
	}
	if n.WorstSlice != "" && n.Transition == notify.Firing {
		blocks = append(blocks, aside("worst slice: "+Escape(n.WorstSlice)))
	}
	blocks = append(blocks, aside(footer(n)))
	off := false
	text := first
	if t := evidence(n); t != "" {
		text += "\n" + t
	}
	return &api.WebhookMessage{
		Text:   notify.Truncate(text, maxText), // the fallback: notifications, screen readers, search
		Blocks: &api.Blocks{BlockSet: blocks}, UnfurlLinks: &off, UnfurlMedia: &off,
	}
}

// headline: which way, what, how much, against which limit, where, since when, how bad.
func headline(n *notify.Notification) string {
	var b strings.Builder
	b.WriteString(mark(n) + " " + Escape(oneLine(n.Summary)))
	if n.Variant != "" {
		b.WriteString(" · arm " + Escape(n.Variant))
	}
	if n.Transition == notify.Firing {
		b.WriteString(" · since " + n.Clock(n.Since))
	} else {
		b.WriteString(" · resolved " + n.Clock(n.At))
	}
	if n.Severity != "" && n.Transition == notify.Firing {
		b.WriteString("  [" + Escape(n.Severity) + "]")
	}
	return notify.Truncate(b.String(), maxSection-2)
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
	add(n.ControlValue != "" && n.VariantValue != "", "control "+Escape(n.ControlValue)+" → *"+Escape(n.VariantValue)+"*")
	add(n.Interval != "", n.Level+" always-valid "+Escape(n.Interval+unit(n.Lift)))
	add(n.ControlSubjects != "" && n.VariantSubjects != "", "n "+n.ControlSubjects+" / "+n.VariantSubjects)
	add(n.ControlSubjects == "" && n.Subjects != "", "n "+n.Subjects+arms(n))
	add(true, health(n))
	return notify.Truncate(strings.Join(parts, "   "), maxSection)
}

// arms lists the subjects of each variant, for alerts about their split.
func arms(n *notify.Notification) string {
	if n.Kind != notify.SRM || len(n.SubjectCounts) == 0 {
		return ""
	}
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(n.SubjectCounts)) {
		parts = append(parts, Escape(id)+" "+n.SubjectTexts[id])
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
		facts = append(facts, "SRM p "+Escape(n.SRMP))
	}
	word := "data ok"
	switch {
	case n.Kind == notify.Stale && n.Transition == notify.Firing:
		word = "data stale"
	case n.SRMState == "failed":
		word = "split not as planned"
	}
	if len(facts) == 0 {
		return word
	}
	return word + " (" + strings.Join(facts, ", ") + ")"
}

func footer(n *notify.Notification) string {
	parts := []string{"rule " + Escape(n.Rule)}
	if n.Transition == notify.Resolved && n.Reason != "" {
		parts = append(parts, "reason "+Escape(n.Reason))
	}
	if n.Owner != "" {
		parts = append(parts, "owner "+Escape(n.Owner))
	}
	if n.Link != "" {
		parts = append(parts, link(n.Link, "Open "+n.Experiment))
	}
	if n.Runbook != "" {
		parts = append(parts, link(n.Runbook, "Runbook"))
	}
	return notify.Truncate(strings.Join(parts, " · "), maxContext) + " · id " + Escape(n.ID)
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

// link writes <url|text>; a | or > in the URL would end it early.
func link(url, text string) string {
	url = strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", " ", "%20", "&", "&amp;").Replace(url)
	return "<" + url + "|" + strings.ReplaceAll(Escape(text), "|", "¦") + ">"
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
