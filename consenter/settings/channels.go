package settings

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// channelPattern matches what Fabric takes for the name of a channel.
var channelPattern = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,248}$`)

// channels takes a list of channels; * stands for all.
func channels() rule {
	return takes("a list of channels, each once, or * alone, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var names []string
		for _, item := range list {
			name, _ := item.(string)
			ok = ok && (channelPattern.MatchString(name) || name == "*" && len(list) == 1) && !slices.Contains(names, name)
			names = append(names, name)
		}
		return names, ok
	})
}

// offsets takes a list of channel=offset; a channel may be there more than once.
func offsets() rule {
	return takes("a list of channel=offset, each once, as a yaml list or as a=7,b=12", func(raw any) (map[string][]machine.Offset, bool) {
		var all map[string][]machine.Offset
		ok := eachPair(raw, func(channel, text string) bool {
			n, err := strconv.ParseInt(text, 10, 64)
			twice := slices.Contains(all[channel], machine.Offset(n))
			setIn(&all, channel, append(all[channel], machine.Offset(n)))
			return err == nil && n >= 0 && !twice
		})
		return all, ok
	})
}

// topicIDPattern matches the id of a topic as Kafka prints it.
var topicIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// topicIDs takes a list of channel=id; a channel has one id at most, and no other
// channel has it.
func topicIDs() rule {
	const want = "a list of channel=topic id, the id as Kafka prints it (22 characters), as a yaml list or as a=ID,b=ID"
	return takes(want, func(raw any) (map[string]string, bool) {
		var all map[string]string
		ok := eachPair(raw, func(channel, id string) bool {
			_, twice := all[channel]
			for _, other := range all {
				twice = twice || id == other
			}
			setIn(&all, channel, id)
			return !twice && topicIDPattern.MatchString(id)
		})
		return all, ok
	})
}

// eachPair calls f with the channel and the text of each item, and reports whether all
// are well-formed and f takes all of them. It stops at the first that is not.
func eachPair(raw any, f func(channel, text string) bool) bool {
	list, ok := listOf(raw)
	for _, item := range list {
		pair, _ := item.(string)
		channel, text, found := strings.Cut(pair, "=")
		channel, text = strings.TrimSpace(channel), strings.TrimSpace(text)
		if !found || !channelPattern.MatchString(channel) || !f(channel, text) {
			return false
		}
	}
	return ok
}

// setIn sets a value in a map, which is nil while it is empty.
func setIn[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}
