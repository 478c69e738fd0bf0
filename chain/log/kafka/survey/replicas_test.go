package survey

import (
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// A replica that is not in sync is a warning, which names its broker; too few for an append are a flaw.
func TestReplicasInSync(t *testing.T) {
	for _, test := range []struct {
		replicas, inSync []int32
		needed           string // min.insync.replicas; empty: hidden
		want             log.Result
		value, says      string
	}{
		{[]int32{1, 2, 3}, []int32{3, 1, 2}, "2", log.Fit, "3 of 3", ""},
		{[]int32{1, 2, 3}, []int32{3, 1}, "2", log.Warned, "2 of 3, without broker 2", "start broker 2, or "},
		{[]int32{1, 2, 3}, []int32{3, 1}, "2", log.Warned, "2 of 3, without broker 2", "one more broker"},
		{[]int32{1, 2, 3}, []int32{3, 1}, "1", log.Warned, "2 of 3, without broker 2", "down or behind"},
		{[]int32{1, 2, 3}, []int32{3}, "2", log.Flawed, "1 of 3, without broker 1,2", "fewer than 2 replicas"},
		{[]int32{1, 2, 3}, []int32{3}, "", log.Warned, "1 of 3, without broker 1,2", "one more broker"},
		{[]int32{1, 2, 3}, nil, "", log.Flawed, "0 of 3, without broker 1,2,3", "fewer than 1 replicas"},
		{[]int32{1}, []int32{1}, "2", log.Flawed, "1 of 1", "min.insync.replicas is 2 and the topic has 1 replicas"},
	} {
		s := &surveyor{config: client.Config{Config: conn.Config{Brokers: []string{"kafka:9092"}}}, topic: "t"}
		values := map[string]string{}
		if test.needed != "" {
			values[minInSyncSetting] = test.needed
		}
		s.inSync(test.replicas, test.inSync, values)
		f := s.found[0]
		if f.Result != test.want || f.Value != test.value || !strings.Contains(f.Risk+f.Remedy, test.says) {
			t.Errorf("%v of %v, %q needed: %v %s", test.inSync, test.replicas, test.needed, f.Result, f)
		}
	}
}
