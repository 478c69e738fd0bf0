package settings

import (
	"slices"
	"strings"
)

// distinct returns the items of a list as parse returns them; false if one is not allowed or occurs twice.
func distinct(raw any, parse func(item any) (string, bool)) (items []string, ok bool) {
	list, ok := listOf(raw)
	for _, raw := range list {
		item, allowed := parse(raw)
		if !allowed || slices.Contains(items, item) {
			return nil, false
		}
		items = append(items, item)
	}
	return items, ok
}

// listOf returns the items of a yaml list, or of "a,b" or "[a,b]" from the environment.
// Only the empty text is an empty list: where one item of several is missing, it may
// have been a variable of the shell that is not set.
func listOf(raw any) ([]any, bool) {
	s, isText := raw.(string)
	if !isText {
		list, ok := raw.([]any)
		return list, ok
	}
	if inner, ok := strings.CutPrefix(strings.TrimSpace(s), "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSpace(strings.TrimSuffix(inner, "]"))
	}
	if s == "" {
		return nil, true
	}
	var list []any
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, false
		}
		list = append(list, item)
	}
	return list, true
}
