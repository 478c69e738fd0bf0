package survey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/log"
)

// With minReplicas and minInSync the loss of one broker neither loses records nor stops
// the channel.
const minReplicas, minInSync = 3, 2

// shape checks the number of partitions and replicas.
func (s *surveyor) shape(partitions int, replicas, brokers []int32) {
	s.require(partitions == 1, log.Finding{Setting: "partitions", Value: strconv.Itoa(partitions), Want: "1",
		Risk:   "only the first is used; records in others are ignored",
		Remedy: "partitions cannot be removed: if nothing was ordered through the topic, delete it, and an orderer creates it again"})
	s.require(len(replicas) >= minReplicas, log.Finding{Setting: "replication factor", Value: strconv.Itoa(len(replicas)),
		Want: fmt.Sprintf("%d or more", minReplicas), Risk: "the loss of a broker loses acknowledged records, or stops the channel",
		Remedy: s.reassign(replicas, brokers)})
}

// reassign returns how to add replicas on further brokers.
func (s *surveyor) reassign(replicas, brokers []int32) string {
	if len(brokers) < minReplicas {
		return fmt.Sprintf("the cluster has %d brokers: add some, then reassign the topic to %d of them with kafka-reassign-partitions.sh", len(brokers), minReplicas)
	}
	all := slices.Clone(replicas)
	for _, b := range brokers {
		if len(all) < minReplicas && !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return fmt.Sprintf(`echo '{"version":1,"partitions":[{"topic":"%s","partition":0,"replicas":[%s]}]}' > topic.json; `, s.topic, list(all)) +
		s.tool("kafka-reassign-partitions.sh") + "--reassignment-json-file topic.json --execute"
}

// minInSyncSetting is how many replicas must be in sync for Kafka to accept a record that all of them acknowledge.
const minInSyncSetting = "min.insync.replicas"

// inSync compares the replicas that are in sync with all of the topic's. One that is missing is a warning: brokers
// restart. Below min.insync.replicas Kafka refuses every append.
func (s *surveyor) inSync(replicas, inSync []int32, values map[string]string) {
	missing := slices.DeleteFunc(slices.Clone(replicas), func(b int32) bool { return slices.Contains(inSync, b) })
	needed, err := strconv.Atoi(values[minInSyncSetting])
	if err != nil {
		needed = 1 // the brokers hide it
	}
	f := log.Finding{Setting: "in-sync replicas", Value: fmt.Sprintf("%d of %d", len(inSync), len(replicas)), Want: "all",
		Risk: "a broker is down or behind", Remedy: fmt.Sprintf("%s is %d and the topic has %d replicas: add some, or lower it", minInSyncSetting, needed, len(replicas))}
	if len(missing) > 0 {
		f.Value += ", without broker " + list(missing)
		f.Remedy = fmt.Sprintf("start broker %s, or find out what keeps it behind: ", list(missing)) + s.tool("kafka-topics.sh") + "--describe --topic " + s.topic
	}
	switch {
	case len(inSync) < needed:
		f.Risk = fmt.Sprintf("Kafka refuses records while fewer than %d replicas are in sync", needed)
		s.require(false, f)
		return
	case len(inSync) == needed:
		f.Risk = "if one more broker fails, Kafka refuses records"
	}
	s.requireAs(log.Warned, len(missing) == 0, f)
}

// list returns numbers with commas between.
func list(ids []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
}
