package calc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// UnknownFieldError: a request has a field that there is not. Known are the names that there are, of all parts of a request.
type UnknownFieldError struct {
	Field string
	Known []string
}

func (e *UnknownFieldError) Error() string { return fmt.Sprintf("there is no field %q", e.Field) }

// Unwrap makes it an ErrRequest.
func (e *UnknownFieldError) Unwrap() error { return ErrRequest }

// Decode reads a request in JSON. It returns an *UnknownFieldError, or ErrRequest with the name of the field.
func Decode(r io.Reader) (Request, error) {
	var req Request
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return req, decodeError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return req, fmt.Errorf("calc: there is more after the request's closing brace: %w", ErrRequest)
	}
	return req, nil
}

func decodeError(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		want := map[reflect.Kind]string{reflect.Int64: "a whole number", reflect.Float64: "a number", reflect.String: "a text", reflect.Slice: "a list", reflect.Bool: "true or false", reflect.Struct: "an object"}[kind.Type.Kind()]
		return fmt.Errorf("calc: %s is a JSON %s, it must be %s: %w", kind.Field, kind.Value, want, ErrRequest)
	case errors.As(err, &syntax):
		return fmt.Errorf("calc: byte %d of the request: %v: %w", syntax.Offset, err, ErrRequest)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("calc: the request ends in its middle; it must be one JSON object: %w", ErrRequest)
	case errors.Is(err, ErrRequest):
		return fmt.Errorf("calc: %w", err)
	}
	if _, rest, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return &UnknownFieldError{strings.Trim(rest, `"`), names(reflect.TypeFor[Request](), nil)}
	}
	return fmt.Errorf("calc: %w", err)
}

// names appends the JSON names of a struct's fields and of those of its parts.
func names(t reflect.Type, to []string) []string {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		to = append(to, name)
		part := f.Type
		if part.Kind() == reflect.Pointer {
			part = part.Elem()
		}
		if part.Kind() == reflect.Struct {
			to = names(part, to)
		}
	}
	return to
}

// short are what the sums of an arm may be called on a command line.
var short = map[string]string{"sum": "sum_num", "sum2": "sum_num2"}

// ParseArm reads an arm from n=3000,sum_num=1396,sum_num2=1396; sum and sum2 stand for the numerator's.
func ParseArm(text string) (*Arm, error) {
	a := new(Arm)
	return a, parse(text, a)
}

// ParsePower reads the inputs of a plan from value=0.2,sd=1.2,effect=10%: a % makes the effect relative.
func ParsePower(text string) (*Power, error) {
	p := new(Power)
	return p, parse(text, p)
}

// parse makes JSON of name=value,… and decodes it, so that both ways of asking know the same fields.
func parse(text string, into any) error {
	object := map[string]any{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || value == "" {
			return fmt.Errorf("calc: %q is not name=value; write for example n=3000,sum=1396,sum2=1396: %w", part, ErrRequest)
		}
		if long, ok := short[name]; ok {
			name = long
		}
		if _, twice := object[name]; twice {
			return fmt.Errorf("calc: %s is given twice: %w", name, ErrRequest)
		}
		if share, ok := strings.CutSuffix(value, "%"); ok && name == "effect" {
			part, err := percent(share)
			if err != nil {
				return err
			}
			object[name], object["relative"] = part, true
			continue
		}
		object[name] = value
		if number, err := strconv.ParseFloat(value, 64); err == nil && !strings.HasPrefix(name, "sum") {
			object[name] = number // .2 and +2 too, which JSON does not know
		}
	}
	b, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("calc: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return decodeError(err)
	}
	return nil
}

// percent reads a number of hundredths.
func percent(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("calc: %q is not a number: %w", text, ErrRequest)
	}
	return v / 100, nil
}
