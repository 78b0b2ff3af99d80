package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader takes one mapping apart by its shape. Opening it reports unknown, doubled and missing keys; each getter
// reports a value of the wrong kind and then returns the zero value, so that one pass finds every error.
type reader struct {
	what   string // what findings call the mapping
	node   *node
	shape  *shape
	report *reporter
	values map[string]*node // by key, aliases resolved, nulls left out
	keys   map[string]*node // where the key stands
	// meant are keys that an unknown key was most likely meant to be: that they are missing is no second finding.
	meant map[string]bool
	// filled are keys whose values are defaults and not the definition's own.
	filled map[string]bool
}

// open starts on a mapping; nil if it is none.
func open(n *node, s *shape, report *reporter) *reader { return openAs(s.name, n, s, report) }

func openAs(what string, n *node, s *shape, report *reporter) *reader {
	r := openPart(what, n, s, report)
	if r != nil {
		r.required()
	}
	return r
}

// openPart starts on a mapping that need not be complete.
func openPart(what string, n *node, s *shape, report *reporter) *reader {
	if n.kind != mappingNode {
		hint := "keys: " + listed(s.names())
		if key, value, ok := strings.Cut(n.text, ":"); ok && n.style == plainStyle && s.find(key) != nil {
			hint = fmt.Sprintf("a key's colon needs a space behind it: %s: %s", key, value)
		}
		report.at("E008", n, fmt.Sprintf("%s must be a mapping, not %s", what, n.kind), hint)
		return nil
	}
	r := &reader{what, n, s, report, map[string]*node{}, map[string]*node{}, map[string]bool{}, map[string]bool{}}
	for _, p := range n.pairs {
		r.take(p)
	}
	return r
}

// fill adds values that are not there. A key that is there without a value stays empty.
func (r *reader) fill(values map[string]*node) {
	for key, n := range values {
		if r.keys[key] == nil {
			r.values[key], r.keys[key] = n, n
			r.filled[key] = true
		}
	}
}

// required reports keys that must be there and are not.
func (r *reader) required() {
	for _, k := range r.shape.keys {
		if k.required && r.values[k.name] == nil && !r.meant[k.name] {
			r.missing(k)
		}
	}
}

func (r *reader) take(p pair) {
	k := r.shape.find(p.key.text)
	if k == nil {
		r.unknown(p.key, p.value)
		return
	}
	name := k.name
	if k.alias != "" {
		name = k.alias
	}
	if first := r.keys[name]; first != nil {
		what := fmt.Sprintf("key %q is there twice", p.key.text)
		if first.text != p.key.text {
			what = fmt.Sprintf("%q and %q are the same key", first.text, p.key.text)
		}
		r.report.at("E005", p.key, what, fmt.Sprintf("first at line %d; keep one", first.pos.Line))
		return
	}
	r.keys[name] = p.key
	switch {
	case p.value.kind != nullNode:
		r.values[name] = p.value
	case !k.required && k.valued():
		r.report.at("W105", p.key, fmt.Sprintf("%q has no value, which is as if it were not there", p.key.text), "write a value, or leave the key out")
	}
}

// inlineSecrets are keys by which people try to write a secret into a definition, with what to write instead.
var inlineSecrets = map[string]string{
	"routing_key": "routing_key_file", "integration_key": "routing_key_file", "service_key": "routing_key_file",
	"secret": "secret_file", "signing_secret": "secret_file", "password": "secret_file", "token": "secret_file",
	"webhook_url": "url_file", "api_key": "secret_file",
}

func (r *reader) unknown(key, value *node) {
	if file := inlineSecrets[key.text]; file != "" && r.shape.find(file) != nil {
		r.report.secret(value)
		r.meant[file] = true
		r.report.at("E016", key, fmt.Sprintf("%q would put a secret into a definition file", key.text),
			fmt.Sprintf("put it into a file outside version control and write %s: path/to/it", file))
		return
	}
	if name, ok := nearest(key.text, r.shape.names()); ok {
		r.meant[name] = true
	}
	r.report.at("E006", key, fmt.Sprintf("unknown key %q in %s", key.text, r.what), didYouMean(key.text, r.shape.names()))
}

func (r *reader) missing(k key) {
	hint := hintOf(k)
	if there := r.keys[k.name]; there != nil {
		r.report.at("E007", there, fmt.Sprintf("%q has no value", there.text), hint)
		return
	}
	r.report.at("E007", r.node, fmt.Sprintf("%s has no %q", r.what, k.name), hint)
}

// hintOf is a key's documentation in the form of a hint.
func hintOf(k key) string {
	doc := strings.TrimSuffix(k.doc, ".")
	if len(doc) > 1 && doc[1] >= 'a' && doc[1] <= 'z' {
		doc = strings.ToLower(doc[:1]) + doc[1:]
	}
	return doc
}

// value returns what stands under a key, nil if nothing does. Asking for a key that the shape lacks is a mistake in
// this package.
func (r *reader) value(name string) *node {
	if r.shape.find(name) == nil {
		panic("catalog: shape " + r.shape.name + " has no key " + name)
	}
	if r.report.asked != nil {
		r.report.asked(r.shape, name)
	}
	return r.values[name]
}

// has says whether a key has a value.
func (r *reader) has(name string) bool { return r.value(name) != nil }

// scalar returns the value under a key if it is one.
func (r *reader) scalar(name string) *node {
	n := r.value(name)
	if n == nil {
		return nil
	}
	if n.kind != scalarNode {
		r.report.at("E008", n, fmt.Sprintf("%q must be one value, not %s", name, n.kind), hintOf(*r.shape.find(name)))
		return nil
	}
	return n
}

func (r *reader) text(name string) string {
	if n := r.scalar(name); n != nil {
		return n.text
	}
	return ""
}

// id returns a valid identifier.
func (r *reader) id(name string) string {
	n := r.scalar(name)
	if n == nil {
		return ""
	}
	if !validID(n.text) {
		r.report.at("E013", n, fmt.Sprintf("%q can't be an id", n.text), idHint)
		return ""
	}
	return n.text
}

// enum returns one of the words that the shape allows.
func (r *reader) enum(name string) string {
	n := r.scalar(name)
	if n == nil {
		return ""
	}
	k := r.shape.find(name)
	allowed := k.enum
	if other := k.spellings[n.text]; other != "" {
		return other
	}
	if !slices.Contains(allowed, n.text) {
		hint := didYouMean(n.text, allowed)
		if of, ok := namedQuantile(n.text); ok && slices.Contains(allowed, string(Quantile)) {
			hint = of
		}
		r.report.at("E010", n, fmt.Sprintf("%q is no value of %q", n.text, name), hint)
		return ""
	}
	return n.text
}

// parsed runs a scalar parser on the value under a key; ok says that there is one and it can be read.
func parsed[T any](r *reader, name, what, hint string, parse func(string) (T, bool)) (value T, ok bool) {
	n := r.scalar(name)
	if n == nil {
		return value, false
	}
	v, ok := parse(n.text)
	if !ok {
		r.report.at("E009", n, fmt.Sprintf("%q is not %s", n.text, what), hint)
		return value, false
	}
	return v, true
}

// maxDuration is longer than any experiment; what is longer was a slip of a unit.
const maxDuration = 10 * 366 * 24 * time.Hour

func (r *reader) duration(name string) (time.Duration, bool) {
	d, ok := parsed(r, name, "a duration", durationHint, parseDuration)
	if ok && d > maxDuration {
		r.report.at("E017", r.value(name), fmt.Sprintf("%q is longer than ten years", name), durationHint)
		return 0, false
	}
	return d, ok
}

// positive is a duration longer than 0.
func (r *reader) positive(name string) time.Duration {
	d, ok := r.duration(name)
	if ok && d <= 0 {
		r.report.at("E017", r.value(name), fmt.Sprintf("%q must be longer than 0", name), durationHint)
	}
	return d
}

// number returns a number within the key's span; one outside of it is reported and not there.
func (r *reader) number(name string) (float64, bool) {
	v, ok := parsed(r, name, "a number", numberHint, parseNumber)
	return v, ok && r.spanned(name, v, "")
}

// spanned reports a number that is outside of its key's span. unit is written behind the bounds.
func (r *reader) spanned(name string, v float64, unit string) bool {
	s := r.shape.find(name).span
	if s == nil || s.holds(v) {
		return true
	}
	r.report.at("E017", r.value(name), fmt.Sprintf("%s must be %s", name, s.text(unit)), s.such)
	return false
}

// lift is a share that may be written in percent. One from a whole on without the sign is read as written, and asked about.
func (r *reader) lift(name, what, hint string) (Limit, bool) {
	v, ok := parsed(r, name, what, hint, parseLimit)
	if !ok || !r.spanned(name, v.Value, "%") {
		return Limit{}, false
	}
	if !v.Relative && v.Value >= 0.5 {
		r.report.at("W117", r.value(name), fmt.Sprintf("%s: %s is %s%%", name, v.Text, strconv.FormatFloat(v.Value*100, 'g', 6, 64)), fmt.Sprintf("write %s%% if that was meant", v.Text))
	}
	return v, true
}

func (r *reader) boolean(name string) bool {
	v, _ := parsed(r, name, "true or false", boolHint, parseBool)
	return v
}

func (r *reader) time(name string) time.Time {
	v, _ := parsed(r, name, "a time", timeHint, ParseTime)
	return v
}

func (r *reader) integer(name string) (int64, bool) {
	v, ok := parsed(r, name, "a whole number", "write digits only, such as 10000", func(s string) (int64, bool) {
		v, ok := parseNumber(s)
		return int64(v), ok && v == float64(int64(v)) && v >= -1e15 && v <= 1e15
	})
	return v, ok && r.spanned(name, float64(v), "")
}

// list returns the items under a key that takes one or a list.
func (r *reader) list(name string) []*node {
	n := r.value(name)
	if n == nil {
		return nil
	}
	if n.kind == listNode {
		return n.items
	}
	return []*node{n}
}

// scalars returns the items of a list that are single values, each once.
func (r *reader) scalars(name string) []*node {
	var out []*node
	for _, n := range r.list(name) {
		if n.kind != scalarNode {
			r.report.at("E008", n, fmt.Sprintf("%q takes names, not %s", name, n.kind), hintOf(*r.shape.find(name)))
			continue
		}
		if slices.ContainsFunc(out, func(o *node) bool { return o.text == n.text }) {
			r.report.at("E005", n, fmt.Sprintf("%q is there twice", n.text), "keep one")
			continue
		}
		out = append(out, n)
	}
	return out
}

// texts returns the same as plain strings; nil if there are none.
func (r *reader) texts(name string) []string {
	var out []string
	for _, n := range r.scalars(name) {
		if !validName(n.text) {
			r.report.at("E009", n, "this is no name", "write one word or text")
			continue
		}
		out = append(out, n.text)
	}
	return out
}

// mapping opens the mapping under a key; nil if there is none.
func (r *reader) mapping(name string) *reader {
	n := r.value(name)
	if n == nil {
		return nil
	}
	return openAs(name, n, r.shape.find(name).shape, r.report)
}

// exactlyOne reports unless one of the keys is there, and returns it.
func (r *reader) exactlyOne(names ...string) string {
	var there []string
	for _, name := range names {
		if r.has(name) {
			there = append(there, name)
		}
	}
	switch len(there) {
	case 1:
		return there[0]
	case 0:
		r.report.at("E015", r.node, fmt.Sprintf("%s needs one of %s", r.what, strings.Join(names, ", ")), "write exactly one of them")
	default:
		r.report.at("E015", r.keys[there[1]], fmt.Sprintf("%s has both %s", r.what, strings.Join(there, " and ")), "write exactly one of "+strings.Join(names, ", "))
	}
	return ""
}

// notYet warns that a key was understood and checked but does nothing in this version: silence would be a lie.
func (r *reader) notYet(name string) {
	if r.has(name) {
		r.report.at("W102", r.keys[name], fmt.Sprintf("%q is accepted but not acted on yet", name), "results are as if it were not there")
	}
}
