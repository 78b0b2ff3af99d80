package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Schema returns a JSON Schema (draft 2020-12) of definition files, for editors. It is generated from the shapes that
// the reader itself works by, so both accept the same keys.
func Schema() []byte {
	g := schemaWriter{defs: object{}}
	root := g.shape(fileShape)
	root = append(object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Tidemark definitions"}}, root...)
	root = append(root, member{"$defs", g.defs})
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic("catalog: schema: " + err.Error()) // built from constants
	}
	return out.Bytes()
}

// object is a JSON object that keeps its order, so that the schema is always the same text.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		k, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(k)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaWriter turns shapes into schemas; each shape becomes one definition.
type schemaWriter struct {
	defs object
	done map[*shape]bool
}

// shape is the schema of a mapping. A key with another spelling is required in either.
func (g *schemaWriter) shape(s *shape) object {
	properties := object{}
	var required []string
	var either []any
	for _, k := range s.keys {
		properties = append(properties, member{k.name, g.key(k)})
		if !k.required {
			continue
		}
		if other := s.aliasOf(k.name); other != "" {
			either = append(either, object{{"required", []string{k.name}}}, object{{"required", []string{other}}})
		} else {
			required = append(required, k.name)
		}
	}
	out := object{{"type", "object"}, {"description", s.doc}, {"properties", properties}, {"additionalProperties", false}}
	if required != nil {
		out = append(out, member{"required", required})
	}
	if either != nil {
		out = append(out, member{"oneOf", either})
	}
	return out
}

// part is the schema of a mapping that need not be complete.
func (g *schemaWriter) part(s *shape) object {
	properties := object{}
	for _, k := range s.keys {
		properties = append(properties, member{k.name, object{{"$ref", "#/$defs/" + pointer(s.name) + "/properties/" + k.name}}})
	}
	g.ref(s)
	return object{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
}

func (s *shape) aliasOf(name string) string {
	for _, k := range s.keys {
		if k.alias == name {
			return k.name
		}
	}
	return ""
}

// ref returns a reference to a shape, defining it when it is first met.
func (g *schemaWriter) ref(s *shape) object {
	if g.done == nil {
		g.done = map[*shape]bool{}
	}
	if !g.done[s] {
		g.done[s] = true
		at := len(g.defs)
		g.defs = append(g.defs, member{s.name, nil})
		g.defs[at].value = g.shape(s)
	}
	return object{{"$ref", "#/$defs/" + pointer(s.name)}}
}

// pointer escapes a name for a JSON pointer in a URI.
func pointer(name string) string {
	return string(bytes.ReplaceAll([]byte(name), []byte(" "), []byte("%20")))
}

var (
	anyText   = []string{"string", "number", "boolean"}
	idPattern = `^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`
)

func listOf(item object) object { return object{{"type", "array"}, {"items", item}} }

func oneOrList(item object) object {
	return object{{"anyOf", []any{item, listOf(item)}}}
}

// bounds are a span in JSON Schema's words, for values that are JSON numbers.
func (s *span) bounds() object {
	if s == nil {
		return nil
	}
	low, high := "minimum", "maximum"
	if s.overLow {
		low = "exclusiveMinimum"
	}
	if s.belowTop {
		high = "exclusiveMaximum"
	}
	return object{{low, s.low}, {high, s.high}}
}

// key is the schema of a key's value.
func (g *schemaWriter) key(k key) object {
	out := g.value(k)
	if k.doc != "" {
		out = append(out, member{"description", k.doc})
	}
	return out
}

func (g *schemaWriter) value(k key) object {
	text := object{{"type", "string"}}
	id := object{{"type", []string{"string", "integer"}}, {"pattern", idPattern}}
	name := object{{"type", anyText}}
	duration := object{{"type", []string{"string", "integer"}}, {"pattern", `^(0|([0-9]+(ms|s|m|h|d|w))+)$`}}
	switch k.kind {
	case idKey:
		return id
	case idListKey:
		return oneOrList(id)
	case nameKey:
		return name
	case nameListKey, textListKey:
		return oneOrList(name)
	case sqlKey, predicateKey:
		return text
	case durationKey:
		return duration
	case numberKey:
		// YAML 1.1 takes 1e-4 for text; the reader does not.
		return append(object{{"type", []string{"number", "string"}}, {"pattern", `^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$`}}, k.span.bounds()...)
	case integerKey:
		return append(object{{"type", "integer"}}, k.span.bounds()...)
	case percentKey:
		return append(object{{"type", []string{"string", "number"}}, {"pattern", `^[+-]?[0-9.]+%?$`}}, k.span.bounds()...)
	case limitKey:
		out := append(object{{"type", []string{"string", "number"}}, {"pattern", `^[+-]?[0-9.]+%?$`}}, k.span.bounds()...)
		return append(out, member{"not", object{{"type", "number"}, {"exclusiveMinimum", -leastLimit}, {"exclusiveMaximum", leastLimit}}})
	case boolKey:
		return object{{"type", "boolean"}}
	case timeKey:
		return object{{"type", "string"}, {"pattern", `^[0-9]{4}-[0-9]{2}-[0-9]{2}`}}
	case enumKey:
		return object{{"enum", append(slices.Clone(k.enum), slices.Sorted(maps.Keys(k.spellings))...)}}
	case weightsKey:
		return object{{"type", "object"}, {"additionalProperties", object{{"anyOf", []any{object{{"const", 0}}, append(object{{"type", "number"}}, weightSpan.bounds()...)}}}}, {"minProperties", 2}}
	case shapeKey:
		return g.ref(k.shape)
	case partKey:
		return g.part(k.shape)
	case numberOrShape:
		return object{{"anyOf", []any{g.value(key{kind: numberKey, span: k.span}), g.ref(k.shape)}}}
	case shapeListKey:
		return oneOrList(g.ref(k.shape))
	case refOrShapeKeys:
		return oneOrList(object{{"anyOf", []any{name, g.ref(k.shape)}}})
	case experimentsKey:
		return object{{"anyOf", []any{oneOrList(id), g.ref(experimentMatchShape)}}}
	case freeKey:
		return object{}
	}
	return object{{"type", anyText}}
}
