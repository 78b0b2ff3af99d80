package calc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// UnknownFieldError: a part of a request has a field that there is not. Known are the names that this part can have.
type UnknownFieldError struct {
	Part  string // such as control; empty for the request itself
	Field string
	Known []string
}

func (e *UnknownFieldError) Error() string {
	if e.Part == "" {
		return fmt.Sprintf("there is no field %q", e.Field)
	}
	return fmt.Sprintf("%s has no field %q", e.Part, e.Field)
}

// Unwrap makes it an ErrRequest.
func (e *UnknownFieldError) Unwrap() error { return ErrRequest }

// Decode reads a request in JSON. It returns an *UnknownFieldError, or ErrRequest with the name of the field: for null, for a field
// that is there twice or in another case, for a value of the wrong kind, and for text behind the request.
func Decode(r io.Reader) (Request, error) {
	var req Request
	text, err := io.ReadAll(r)
	if err != nil {
		return req, fmt.Errorf("calc: read the request: %w", err)
	}
	if err := decode(text, &req); err != nil {
		return Request{}, err
	}
	return req, nil
}

// decode reads one JSON object into a struct.
func decode(text []byte, into any) error {
	if err := strictly(text, reflect.TypeOf(into)); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(into); err != nil {
		return decodeError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("calc: there is more after the request's closing brace: %w", ErrRequest)
	}
	return nil
}

func decodeError(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		want := map[reflect.Kind]string{reflect.Int64: "a whole number", reflect.Float64: "a number", reflect.String: "a text", reflect.Slice: "a list", reflect.Bool: "true or false", reflect.Struct: "an object"}[kind.Type.Kind()]
		return fmt.Errorf("calc: %s is a JSON %s, it must be %s: %w", called(kind.Field), kind.Value, want, ErrRequest)
	case errors.Is(err, ErrRequest):
		return fmt.Errorf("calc: %w", err)
	}
	return fmt.Errorf("calc: %v: %w", err, ErrRequest)
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
			if math.IsNaN(number) || math.IsInf(number, 0) {
				return fmt.Errorf("calc: %s is %s; it must be a finite number: %w", name, value, ErrRequest)
			}
			object[name] = number // .2 and +2 too, which JSON does not know
		}
	}
	b, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("calc: %w", err)
	}
	return decode(b, into)
}

// percent reads a number of hundredths.
func percent(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("calc: %q is not a number: %w", text, ErrRequest)
	}
	return v / 100, nil
}
