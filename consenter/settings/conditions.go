package settings

import (
	"fmt"
	"slices"
	"strings"
)

// condition is a value of one key without which another key has no effect. A key that
// is set while its condition does not hold is refused: an operator who sets TLS.RootCAs
// believes that the connections are encrypted.
type condition struct {
	key    string   // empty: there is no condition
	values []string // of which the key must have one
}

// conditionOf returns the condition that a tag states: "-", or key=value,value.
func conditionOf(tag string) condition {
	if tag == "-" {
		return condition{}
	}
	name, values, found := strings.Cut(tag, "=")
	if !found {
		panic(fmt.Sprintf("settings: the tag needs is %q; want key=value, or - if the key always has an effect", tag))
	}
	return condition{name, strings.Split(values, ",")}
}

// want lists the values for the operator: a, b or c.
func (c condition) want() string {
	last := len(c.values) - 1
	if last == 0 {
		return c.values[0]
	}
	return strings.Join(c.values[:last], ", ") + " or " + c.values[last]
}

// ineffective returns the keys that are set while their condition does not hold.
func ineffective(keys []key) (found contradictions) {
	for _, k := range keys {
		if k.needs.key == "" || k.isEmpty() {
			continue
		}
		is := valueOf(k.needs.key, keys)
		if slices.Contains(k.needs.values, is) {
			continue
		}
		if is == "" {
			is = "empty"
		}
		fault := fmt.Sprintf("%[1]s.%[2]s is given, but %[3]s is %[4]s, so it has no effect; set %[3]s to %[5]s, or leave %[2]s empty",
			Key, k.name, k.needs.key, is, k.needs.want())
		found = append(found, contradiction{[2]string{k.name, k.needs.key}, fault})
	}
	return found
}

// valueOf returns the value of a key as text.
func valueOf(name string, keys []key) string {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	return fmt.Sprint(keys[i].field)
}
