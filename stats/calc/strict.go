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

// strictly reads JSON the way a check by hand must be read: what encoding/json takes for nothing or overwrites in silence (null for a
// number, a key that stands twice, a key in another case) would change the answer without a word. It walks the text beside the type
// it is for, and leaves values of a wrong kind to encoding/json, whose errors name them.
func strictly(text []byte, t reflect.Type) error {
	w := walker{json.NewDecoder(bytes.NewReader(text))}
	w.UseNumber()
	return w.value(t, "")
}

type walker struct{ *json.Decoder }

// anything is the type of what is passed over.
var anything = reflect.TypeFor[any]()

func (w walker) value(t reflect.Type, path string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := w.Token()
	if err != nil {
		return w.wrong(err)
	}
	switch v := token.(type) {
	case nil:
		if t != anything {
			return fmt.Errorf("calc: %s is null; give it a value or leave it out: %w", called(path), ErrRequest)
		}
	case bool:
		if t == sumType {
			return fmt.Errorf("calc: %s is %t; it must be a decimal number: %w", path, v, ErrRequest)
		}
	case string:
		if t == sumType && v == "" {
			return fmt.Errorf("calc: %s is empty; give the sum, or leave it out where there is none: %w", path, ErrRequest)
		}
	case json.Delim:
		if t == sumType {
			return fmt.Errorf("calc: %s must be a decimal number, as text or as a number: %w", path, ErrRequest)
		}
		if v == '{' {
			return w.object(t, path)
		}
		return w.array(t, path)
	}
	return nil
}

var sumType = reflect.TypeFor[Sum]()

func (w walker) object(t reflect.Type, path string) error {
	fields := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			fields[nameOf(t.Field(i))] = t.Field(i).Type
		}
	}
	seen := map[string]bool{}
	for w.More() {
		token, err := w.Token()
		if err != nil {
			return w.wrong(err)
		}
		name, _ := token.(string)
		field, known := fields[name]
		if !known && t.Kind() == reflect.Struct {
			return &UnknownFieldError{Part: path, Field: name, Known: names(t)}
		}
		if !known {
			field = anything
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		if seen[name] {
			return fmt.Errorf("calc: %s is there twice; keep one: %w", at, ErrRequest)
		}
		seen[name] = true
		if err := w.value(field, at); err != nil {
			return err
		}
	}
	return w.end()
}

func (w walker) array(t reflect.Type, path string) error {
	item := anything
	if t.Kind() == reflect.Slice {
		item = t.Elem()
	}
	for i := 0; w.More(); i++ {
		if err := w.value(item, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return w.end()
}

// end takes the closing brace or bracket.
func (w walker) end() error {
	if _, err := w.Token(); err != nil {
		return w.wrong(err)
	}
	return nil
}

// wrong words an error of JSON itself.
func (w walker) wrong(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("calc: the request ends in its middle; it must be one JSON object: %w", ErrRequest)
	case errors.As(err, &syntax):
		return fmt.Errorf("calc: byte %d of the request: %v: %w", syntax.Offset, err, ErrRequest)
	}
	return fmt.Errorf("calc: byte %d of the request: %v: %w", w.InputOffset(), err, ErrRequest)
}

// called is what a message calls a place in the request.
func called(path string) string {
	if path == "" {
		return "the request"
	}
	return path
}

// nameOf is a field's name in JSON.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// names are the JSON names of a struct's fields.
func names(t reflect.Type) (to []string) {
	for i := range t.NumField() {
		to = append(to, nameOf(t.Field(i)))
	}
	return to
}
