package results

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Equal sees a change of every field that is written: one that it missed would change and never be published.
func TestEqualSeesEveryField(t *testing.T) {
	full := func() *Row {
		row := &Row{}
		fill(reflect.ValueOf(row).Elem())
		return row
	}
	if a := full(); !a.Equal(full()) {
		t.Fatal("a row is not equal to its like")
	}
	n := 0
	for i := 0; ; i++ {
		row := full()
		at := i
		path := change(reflect.ValueOf(row).Elem(), "Row", &at)
		if path == "" {
			break
		}
		n++
		if row.Equal(full()) || full().Equal(row) {
			t.Errorf("a change of %s is not seen", path)
		}
	}
	if n < 100 {
		t.Errorf("only %d fields changed", n)
	}
}

// fill puts something into every exported field.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e)
		v.SetMapIndex(reflect.ValueOf("k"), e)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("s")
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Int64:
		v.SetInt(3)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprint("a field of kind ", v.Kind()))
	}
}

// change makes the field that is *at-th another, and takes what may be absent away; it returns the field's path, "" if there are
// not so many.
func change(v reflect.Value, path string, at *int) string {
	here := func() bool { *at--; return *at < 0 }
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		if here() {
			v.SetZero()
			return path + " (absent)"
		}
		if v.Kind() == reflect.Slice {
			return change(v.Index(0), path+"[0]", at)
		}
		return change(v.Elem(), path, at)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			if here() {
				v.Set(reflect.ValueOf(noon.Add(1)))
				return path
			}
			return ""
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				if p := change(v.Field(i), path+"."+f.Name, at); p != "" {
					return p
				}
			}
		}
		return ""
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e)
		p := change(e, path+"[k]", at)
		if p != "" {
			v.SetMapIndex(reflect.ValueOf("k"), e)
		}
		return p
	case reflect.Array:
		for i := range v.Len() {
			if p := change(v.Index(i), fmt.Sprintf("%s[%d]", path, i), at); p != "" {
				return p
			}
		}
		return ""
	}
	if !here() {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Float64:
		v.SetFloat(2.5)
	case reflect.Int64:
		v.SetInt(4)
	case reflect.Bool:
		v.SetBool(false)
	}
	return path
}
