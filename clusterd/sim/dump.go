package sim

import (
	"fmt"
	"reflect"
	"strconv"
)

// appendValue appends the content of any message: pointers followed, zero
// fields and those that are not exported left out, so that equal messages give
// equal text wherever they lie in memory. What is not exported is worked out
// from the rest. Messages hold no maps, functions or cycles.
func appendValue(b []byte, v any) []byte { return appendReflect(b, reflect.ValueOf(v)) }

func appendReflect(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Invalid:
		return append(b, "nil"...)
	case reflect.Pointer, reflect.Interface:
		return appendReflect(b, v.Elem())
	case reflect.Struct:
		return appendStruct(b, v)
	case reflect.Slice, reflect.Array:
		return appendList(b, v)
	case reflect.String:
		return append(b, v.String()...)
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 16)
	case reflect.Float32, reflect.Float64:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	}
	return fmt.Appendf(b, "<%s>", v.Type())
}

func appendStruct(b []byte, v reflect.Value) []byte {
	b = append(b, v.Type().Name()...)
	b = append(b, '{')
	first := true
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() || v.Field(i).IsZero() {
			continue
		}
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = append(append(b, v.Type().Field(i).Name...), ':')
		b = appendReflect(b, v.Field(i))
	}
	return append(b, '}')
}

func appendList(b []byte, v reflect.Value) []byte {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return appendBytes(b, v)
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendReflect(b, v.Index(i))
	}
	return append(b, ']')
}

func appendBytes(b []byte, v reflect.Value) []byte {
	const digits = "0123456789abcdef"
	for i := range v.Len() {
		x := v.Index(i).Uint()
		b = append(b, digits[x>>4], digits[x&15])
	}
	return b
}
