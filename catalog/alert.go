package catalog

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Severities of alerts.
const (
	Critical    Severity = "critical"
	AlertError  Severity = "error"
	AlertWarn   Severity = "warning"
	Information Severity = "info"
)

// AnyGuardrail as a condition's metric stands for every guardrail of the experiment.
const AnyGuardrail = "any_guardrail"

// alert resolves an alert definition.
func (l *loader) alert(d *definition) *Alert {
	r := d.r
	a := &Alert{ID: d.id, Pos: d.pos(), Owner: r.text("owner"), Description: r.text("description"),
		Runbook: r.text("runbook"), Summary: r.text("summary"), Severity: Severity(r.enum("severity"))}
	r.unused("name", "team", "tags")
	switch a.Severity {
	case "page":
		a.Severity = Critical
	case "":
		a.Severity = AlertWarn
	}
	a.For, _ = r.duration("for")
	a.MinSubjects, _ = r.integer("min_subjects")
	l.alertExperiments(a, r)
	l.when(a, r.mapping("when"))
	l.summary(r)
	for _, n := range r.scalars("receivers") {
		if lookup[Receiver](l, receiverKind, n) != nil {
			a.Receivers = append(a.Receivers, n.text)
		}
	}
	if !r.has("receivers") {
		l.report.at("W109", r.node, "the alert has no receivers, so nobody is told", "write receivers: and the ids of receivers")
	}
	l.alertMetric(a, r)
	return a
}

// alertExperiments resolves all, ids, or {team, owner, tag}.
func (l *loader) alertExperiments(a *Alert, r *reader) {
	n := r.value("experiments")
	if n == nil || n.kind == scalarNode && n.text == "all" {
		a.All = true
		return
	}
	if n.kind == mappingNode {
		l.matching(a, n)
		return
	}
	for _, id := range r.scalars("experiments") {
		if l.byID[experimentKind][id.text] == nil {
			l.report.at("E012", id, fmt.Sprintf("unknown experiment %q", id.text), l.unknownHint(experimentKind, id.text, "all"))
			continue
		}
		a.Experiments = append(a.Experiments, id.text)
	}
}

// experimentMatch selects experiments by what describes them.
var experimentMatchShape = &shape{name: "for_experiments", doc: "Experiments by what describes them.", keys: []key{
	{name: "team", kind: textKey, doc: "Those of this team."},
	{name: "owner", kind: textKey, doc: "Those of this owner."},
	{name: "tag", kind: textKey, doc: "Those with this tag."},
}}

func (l *loader) matching(a *Alert, n *node) {
	r := open(n, experimentMatchShape, l.report)
	key := r.exactlyOne("team", "owner", "tag")
	if key == "" {
		return
	}
	want := r.text(key)
	broken := false
	for _, id := range l.ids(experimentKind) {
		e, ok := l.byID[experimentKind][id].value.(*Experiment)
		if !ok {
			broken = true
			continue
		}
		if key == "team" && e.Team == want || key == "owner" && e.Owner == want || key == "tag" && slices.Contains(e.Tags, want) {
			a.Experiments = append(a.Experiments, id)
		}
	}
	if len(a.Experiments) == 0 && !broken {
		l.report.at("W107", r.value(key), fmt.Sprintf("no experiment has %s %q", key, want), "the alert watches nothing until one has")
	}
}

// when reads the condition: exactly one of guardrail, metric with state, srm, stale.
func (l *loader) when(a *Alert, r *reader) {
	if r == nil {
		return
	}
	switch r.exactlyOne("guardrail", "metric", "srm", "stale", "lag") {
	case "guardrail":
		a.When.Guardrail = r.enum("guardrail")
	case "srm":
		a.When.SRM = r.enum("srm")
	case "stale":
		a.When.Stale = r.positive("stale")
	case "lag":
		a.When.Stale, _ = parsed(r, "lag", "an age", `write stale: 5m, or lag: ">5m"`, func(s string) (time.Duration, bool) {
			return parseDuration(strings.TrimSpace(strings.TrimPrefix(s, ">")))
		})
	case "metric":
		l.whenMetric(a, r)
	}
	if r.has("state") && !r.has("metric") && len(r.values) > 1 {
		l.report.at("E015", r.keys["state"], "state belongs to a metric", "write {metric: CTR, state: worse}")
	}
}

func (l *loader) whenMetric(a *Alert, r *reader) {
	n := r.scalar("metric")
	if n == nil {
		return
	}
	if !r.has("state") {
		l.report.at("E007", n, `"metric" needs a "state"`, "such as {metric: CTR, state: worse}")
		return
	}
	state := r.enum("state")
	if n.text == AnyGuardrail {
		switch state {
		case "crossed", "near":
			a.When.Guardrail = state
		case "":
		default:
			l.report.at("E010", r.value("state"), fmt.Sprintf("a guardrail is never %q", state), "allowed: crossed, near")
		}
		return
	}
	if l.byID[metricKind][n.text] == nil {
		l.report.at("E012", n, fmt.Sprintf("unknown metric %q", n.text), l.unknownHint(metricKind, n.text, AnyGuardrail))
	}
	a.When.Metric, a.When.State = n.text, state
}

// alertMetric warns if the condition's metric is in none of the alert's experiments, or only in such as let the fixed-horizon interval
// decide, whose words never alert: it could never hold.
func (l *loader) alertMetric(a *Alert, r *reader) {
	w := r.mapping0("when")
	if a.When.Metric == "" || w == nil || l.byID[metricKind][a.When.Metric] == nil {
		return
	}
	l.wordless(a, w)
	decided := slices.Contains([]string{"better", "worse", "not_clear"}, a.When.State)
	fixed := ""
	for _, id := range l.ids(experimentKind) {
		e, ok := l.byID[experimentKind][id].value.(*Experiment)
		if !ok {
			return
		}
		watched := a.All || slices.Contains(a.Experiments, id)
		if !watched || !slices.ContainsFunc(e.Metrics, func(u MetricUse) bool { return u.Metric.ID == a.When.Metric }) {
			continue
		}
		if !e.Fixed || !decided {
			return
		}
		fixed = id
	}
	if fixed != "" {
		l.report.at("W107", w, fmt.Sprintf("in experiment %s the fixed-horizon interval decides whether %s is %s, which holds for one look and never alerts", fixed, a.When.Metric, a.When.State),
			"leave out interval: fixed there, or watch a guardrail, whose words are always-valid")
		return
	}
	l.report.at("W107", w, fmt.Sprintf("metric %s is in none of the alert's experiments", a.When.Metric), "the alert can't fire until one uses it")
}

// wordless warns of a state word that the metric never has, whatever happens: nothing decides about a count across subjects, and a metric
// without a good direction is neither better nor worse.
func (l *loader) wordless(a *Alert, at *node) {
	m, ok := l.byID[metricKind][a.When.Metric].value.(*Metric)
	if !ok || !slices.Contains([]string{"better", "worse", "crossed", "near"}, a.When.State) {
		return
	}
	switch {
	case m.Numerator.Across:
		l.report.at("W107", at, fmt.Sprintf("metric %s counts across subjects, which has no test, so it is never %s", m.ID, a.When.State), "count distinct values by subject (leave across out), or watch another metric")
	case m.Direction == Either && (a.When.State == "better" || a.When.State == "worse"):
		l.report.at("W107", at, fmt.Sprintf("metric %s has direction: none, so it is never %s", m.ID, a.When.State), "give it a direction, or watch another metric")
	}
}

// mapping0 returns a value of a mapping's "metric" key without opening, and so reporting, it again.
func (r *reader) mapping0(name string) *node {
	if n := r.value(name); n != nil && n.kind == mappingNode {
		return n.get("metric")
	}
	return nil
}

// receiver resolves a receiver definition.
func (l *loader) receiver(d *definition) *Receiver {
	r := d.r
	out := &Receiver{ID: d.id, Pos: d.pos()}
	r.unused("name", "description", "owner", "team", "tags", "runbook")
	which := r.exactlyOne("slack", "pagerduty", "webhook")
	to := &reader{}
	if which != "" {
		to = r.mapping(which)
	}
	if to == nil || which == "" {
		return nil
	}
	switch which {
	case "slack":
		out.Slack = &struct{ URL, URLFile string }{}
		if to.exactlyOne("url", "url_file") == "url" {
			out.Slack.URL = l.url(to, "url", "url_file", isSlack)
		} else {
			out.Slack.URLFile = l.file(to, "url_file")
		}
	case "pagerduty":
		out.PagerDuty = &struct{ RoutingKeyFile, URL string }{l.file(to, "routing_key_file"), l.url(to, "url", "routing_key_file", nil)}
	case "webhook":
		out.Webhook = &struct{ URL, SecretFile string }{l.url(to, "url", "secret_file", nil), l.file(to, "secret_file")}
		if !to.has("secret_file") && !to.meant["secret_file"] {
			l.report.at("W109", to.node, "the webhook is not signed", "write secret_file: and the receiver can check who sends")
		}
	}
	return out
}

// isSlack says whether a URL is a Slack webhook's: its path is the secret.
func isSlack(u *url.URL) bool {
	host := u.Hostname()
	return host == "slack.com" || strings.HasSuffix(host, ".slack.com")
}

// file returns the absolute path of a file that holds a secret.
func (l *loader) file(r *reader, name string) string {
	n := r.scalar(name)
	if n == nil {
		return ""
	}
	// A key pasted where its file's name belongs is still a secret.
	if looksLikeSecret(n.text) {
		l.report.secret(n)
		l.report.at("E016", r.keys[name], fmt.Sprintf("%q must name a file, but holds the secret itself", name), "put it into a file outside version control and write its path here")
		return ""
	}
	if n.text == "" {
		l.report.at("E009", n, fmt.Sprintf("%q is empty", name), "write the path of a file, relative to this one")
		return ""
	}
	return l.path(n)
}

// looksLikeSecret recognises what receivers hand out: webhook secrets, Slack URLs, PagerDuty's 32 hexadecimal digits.
func looksLikeSecret(text string) bool {
	if strings.HasPrefix(text, "whsec_") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "xoxb-") {
		return true
	}
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}

// url reads an address and refuses secrets in it.
func (l *loader) url(r *reader, name, file string, secret func(*url.URL) bool) string {
	n := r.scalar(name)
	if n == nil {
		return ""
	}
	u, err := url.Parse(n.text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		l.report.at("E009", n, "this is no address", "write https://host/path")
		return ""
	}
	if u.User != nil || secret != nil && secret(u) {
		l.report.secret(n)
		l.report.at("E016", r.keys[name], fmt.Sprintf("%q would put a secret into a definition file", name), fmt.Sprintf("put it into a file outside version control and write %s: path/to/it", file))
		return ""
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		l.report.at("W112", n, "this address is not encrypted", "write https://")
	}
	return n.text
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
