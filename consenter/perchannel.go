package consenter

import (
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// channels takes a list of channel ids; * stands for all.
func channels(field *[]string) value {
	return taking(field, "a list of channels, or *, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var names []string
		for _, item := range list {
			name, isText := item.(string)
			ok = ok && isText && name != "" && !strings.ContainsAny(name, "= ")
			names = append(names, name)
		}
		return names, ok
	})
}

// offsets takes a list of channel=offset; a channel may be there more than once.
func offsets(field *map[string][]machine.Offset) value {
	return taking(field, "a list of channel=offset, as a yaml list or as a=7,b=12", func(raw any) (map[string][]machine.Offset, bool) {
		var all map[string][]machine.Offset
		ok := eachPair(raw, func(channel, text string) bool {
			n, err := strconv.ParseInt(text, 10, 64)
			setIn(&all, channel, append(all[channel], machine.Offset(n)))
			return err == nil && n >= 0
		})
		return all, ok
	})
}

// topicIDs takes a list of channel=id, one for each channel at most.
func topicIDs(field *map[string]string) value {
	const want = "a list of channel=topic id, the id as Kafka prints it (22 characters), as a yaml list or as a=ID,b=ID"
	return taking(field, want, func(raw any) (map[string]string, bool) {
		var all map[string]string
		ok := eachPair(raw, func(channel, id string) bool {
			_, twice := all[channel]
			setIn(&all, channel, id)
			return !twice && len(id) == 22
		})
		return all, ok
	})
}

// eachPair calls f with both sides of each item, until one is not as wanted.
func eachPair(raw any, f func(channel, text string) bool) bool {
	list, ok := listOf(raw)
	for _, item := range list {
		pair, _ := item.(string)
		channel, text, found := strings.Cut(pair, "=")
		if !found || channel == "" || !f(strings.TrimSpace(channel), strings.TrimSpace(text)) {
			return false
		}
	}
	return ok
}

// setIn sets a value in a map that is nil as long as it is empty.
func setIn[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}
