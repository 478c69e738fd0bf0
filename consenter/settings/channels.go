package settings

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// channelPattern matches what Fabric accepts as the name of a channel.
var channelPattern = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,248}$`)

// channels returns the rule of a list of channels; * stands for all.
func channels() rule {
	return typed("a list of channels, each once, or * alone, as a yaml list or as a,b,c", func(raw any) ([]string, bool) {
		names, ok := distinct(raw, func(item any) (string, bool) {
			name, _ := item.(string)
			return name, name == "*" || channelPattern.MatchString(name)
		})
		return names, ok && (len(names) == 1 || !slices.Contains(names, "*"))
	})
}

// offsets returns the rule of a list of channel=offset; a channel may occur more than once.
func offsets() rule {
	return typed("a list of channel=offset, each once, as a yaml list or as a=7,b=12", func(raw any) (map[string][]machine.Offset, bool) {
		pairs, ok := pairsOf(raw)
		all := map[string][]machine.Offset{}
		for _, p := range pairs {
			n, err := strconv.ParseInt(p.text, 10, 64)
			if err != nil || n < 0 || slices.Contains(all[p.channel], machine.Offset(n)) {
				return nil, false
			}
			all[p.channel] = append(all[p.channel], machine.Offset(n))
		}
		return nilIfEmpty(all), ok
	})
}

// topicIDPattern matches the id of a topic as Kafka prints it.
var topicIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// topicIDs returns the rule of a list of channel=id; a channel has at most one id, and no other channel has it.
func topicIDs() rule {
	const want = "a list of channel=topic id, the id as Kafka prints it (22 characters), as a yaml list or as a=ID,b=ID"
	return typed(want, func(raw any) (map[string]string, bool) {
		pairs, ok := pairsOf(raw)
		all, channelOf := map[string]string{}, map[string]string{}
		for _, p := range pairs {
			if !topicIDPattern.MatchString(p.text) || all[p.channel] != "" || channelOf[p.text] != "" {
				return nil, false
			}
			all[p.channel], channelOf[p.text] = p.text, p.channel
		}
		return nilIfEmpty(all), ok
	})
}

// pair is an item channel=text of a list.
type pair struct{ channel, text string }

// pairsOf returns the items of a list; false if one is not channel=text.
func pairsOf(raw any) (pairs []pair, ok bool) {
	list, ok := listOf(raw)
	for _, item := range list {
		s, _ := item.(string)
		channel, text, found := strings.Cut(s, "=")
		p := pair{strings.TrimSpace(channel), strings.TrimSpace(text)}
		if !found || !channelPattern.MatchString(p.channel) {
			return nil, false
		}
		pairs = append(pairs, p)
	}
	return pairs, ok
}

// nilIfEmpty returns nil, the value of an absent key, for an empty list.
func nilIfEmpty[V any](m map[string]V) map[string]V {
	if len(m) == 0 {
		return nil
	}
	return m
}
