package settings

import (
	"reflect"
	"strings"
)

// key is one key of the section, bound to the field of a [Config] that it sets.
type key struct {
	name   string // within the section: Timeouts.Dial
	field  reflect.Value
	rule   rule
	needs  condition
	secret bool
}

// keysOf returns the keys of a config, in the order of its fields. Relative files are
// in dir.
func keysOf(c *Config, dir string) []key { return fieldsOf("", reflect.ValueOf(c).Elem(), dir) }

// fieldsOf returns the keys of a section, whose name ends in a dot, or is empty for the
// whole.
func fieldsOf(section string, v reflect.Value, dir string) (keys []key) {
	for f, field := range v.Fields() {
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, fieldsOf(section+f.Name+".", field, dir)...)
			continue
		}
		keys = append(keys, key{
			name:   section + f.Name,
			field:  field,
			rule:   ruleOf(f.Tag, dir),
			needs:  conditionOf(f.Tag.Get("needs")),
			secret: f.Tag.Get("secret") == "true",
		})
	}
	return keys
}

// isEmpty reports whether a key has the zero value of its type, or an empty list.
func (k key) isEmpty() bool {
	switch k.field.Kind() {
	case reflect.Slice, reflect.Map:
		return k.field.Len() == 0
	}
	return k.field.IsZero()
}

// members returns the names of the keys and sections directly in a section, whose name
// ends in a dot, or is empty for the whole.
func members(section string, keys []key) []string {
	var names []string
	for _, k := range keys {
		if len(k.name) < len(section) || !strings.EqualFold(k.name[:len(section)], section) {
			continue
		}
		name, _, _ := strings.Cut(k.name[len(section):], ".")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}
