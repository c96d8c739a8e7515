package redact

import "reflect"

// Everywhere is a copy of a value in which replace was applied to every text: fields, elements,
// map values, at any depth. What has no text that changes is shared with the original, which
// stays as it is. Unexported fields are left alone.
func Everywhere[T any](v T, replace func(string) string) T {
	out, changed := everywhere(reflect.ValueOf(&v).Elem(), replace)
	if !changed {
		return v
	}
	return out.Interface().(T)
}

func everywhere(v reflect.Value, replace func(string) string) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.String:
		if s := replace(v.String()); s != v.String() {
			out := reflect.New(v.Type()).Elem()
			out.SetString(s)
			return out, true
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			break
		}
		if inner, changed := everywhere(v.Elem(), replace); changed {
			out := reflect.New(v.Type()).Elem()
			if v.Kind() == reflect.Pointer {
				out.Set(reflect.New(v.Type().Elem()))
				out.Elem().Set(inner)
			} else {
				out.Set(inner)
			}
			return out, true
		}
	case reflect.Struct:
		return inStruct(v, replace)
	case reflect.Slice, reflect.Array:
		return inList(v, replace)
	case reflect.Map:
		return inMap(v, replace)
	}
	return v, false
}

func inStruct(v reflect.Value, replace func(string) string) (reflect.Value, bool) {
	out, any := v, false
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if inner, changed := everywhere(v.Field(i), replace); changed {
			if !any {
				out, any = reflect.New(v.Type()).Elem(), true
				out.Set(v)
			}
			out.Field(i).Set(inner)
		}
	}
	return out, any
}

func inList(v reflect.Value, replace func(string) string) (reflect.Value, bool) {
	if k := v.Type().Elem().Kind(); k >= reflect.Bool && k <= reflect.Complex128 {
		return v, false // numbers hold no text
	}
	out, any := v, false
	for i := range v.Len() {
		if inner, changed := everywhere(v.Index(i), replace); changed {
			if !any {
				out, any = reflect.New(v.Type()).Elem(), true
				if v.Kind() == reflect.Slice {
					out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
				}
				reflect.Copy(out, v)
			}
			out.Index(i).Set(inner)
		}
	}
	return out, any
}

func inMap(v reflect.Value, replace func(string) string) (reflect.Value, bool) {
	out, any := v, false
	for _, k := range v.MapKeys() {
		if inner, changed := everywhere(v.MapIndex(k), replace); changed {
			if !any {
				out, any = reflect.MakeMapWithSize(v.Type(), v.Len()), true
				for _, have := range v.MapKeys() {
					out.SetMapIndex(have, v.MapIndex(have))
				}
			}
			out.SetMapIndex(k, inner)
		}
	}
	return out, any
}
