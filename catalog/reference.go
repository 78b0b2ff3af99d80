package catalog

import (
	"fmt"
	"strings"
)

// Reference returns every key of definition files with what it takes and what it means, as Markdown. Like Schema it is
// generated from the shapes that the reader works by.
func Reference() []byte {
	var b strings.Builder
	b.WriteString("# Definition files\n\nGenerated from the keys that `tidemark check` accepts. A file holds documents divided by `---`; each has one definition, or lists of them\n" +
		"under the plural (`metrics: [...]`). Keys in **bold** are needed. Durations are `30s`, `10m`, `1h30m`, `14d`; times are RFC 3339 with an\n" +
		"offset, or without (UTC); lifts are `+5%`. Anchors, aliases, merge keys and tags are refused.\n")
	seen := map[*shape]bool{}
	var write func(s *shape, level string)
	write = func(s *shape, level string) {
		if seen[s] {
			return
		}
		seen[s] = true
		fmt.Fprintf(&b, "\n%s %s\n\n%s\n\n| key | takes | meaning |\n| --- | --- | --- |\n", level, s.name, s.doc)
		for _, k := range s.keys {
			name := "`" + k.name + "`"
			if k.required {
				name = "**" + name + "**"
			}
			doc := k.doc
			if k.alias != "" {
				doc = "Another spelling of `" + k.alias + "`."
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, takes(k), strings.ReplaceAll(doc, "|", "\\|"))
		}
		for _, k := range s.keys {
			if k.shape != nil {
				write(k.shape, "###")
			}
		}
	}
	for _, k := range fileShape.keys {
		if k.kind == shapeListKey || k.kind == shapeKey {
			write(k.shape, "##")
		}
	}
	b.WriteString("\n## Findings\n\n| code | meaning |\n| --- | --- |\n")
	for _, code := range Codes() {
		fmt.Fprintf(&b, "| %s | %s |\n", code, strings.ReplaceAll(explanations[code], "|", "\\|"))
	}
	return []byte(b.String())
}

// within is a span behind the word for a key's kind.
func within(s *span) string {
	if s == nil {
		return ""
	}
	return ", " + s.text("")
}

// takes says in a word or two what a key's value may be.
func takes(k key) string {
	switch k.kind {
	case idKey:
		return "id"
	case idListKey:
		return "id or list"
	case nameKey:
		return "name"
	case nameListKey:
		return "name or list"
	case textListKey:
		return "text or list"
	case sqlKey:
		return "SELECT"
	case predicateKey:
		return "condition"
	case durationKey:
		return "duration"
	case numberKey:
		return "number" + within(k.span)
	case percentKey, limitKey:
		return "number or %" + within(k.span)
	case integerKey:
		return "whole number" + within(k.span)
	case boolKey:
		return "true, false"
	case timeKey:
		return "time"
	case enumKey:
		return "`" + strings.Join(k.enum, "`, `") + "`"
	case weightsKey:
		return "names to numbers"
	case shapeKey, partKey:
		return k.shape.name
	case numberOrShape:
		return "number or " + k.shape.name
	case shapeListKey, refOrShapeKeys:
		return k.shape.name + " or list"
	case experimentsKey:
		return "`all`, ids, or `{team}`, `{owner}`, `{tag}`"
	case freeKey:
		return "anything"
	}
	return "text"
}
