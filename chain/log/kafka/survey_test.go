package kafka_test

import (
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
)

// A topic that was made by us lacks nothing but the brokers; each setting that
// can lose records or refuse them is named.
func TestSurvey(t *testing.T) {
	h := start(t, 3)
	settings := log.Settings{ReplicationFactor: 3, MaxMessageBytes: 1 << 20}
	ours := h.Open(t, "ours", settings)
	defer ours.Close()
	if err := ours.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if flaws, err := ours.Survey(t.Context()); err != nil || len(flaws) > 0 {
		t.Errorf("our own topic: %v, %v", flaws, err)
	}

	bad := map[string]string{"min.insync.replicas": "1", "unclean.leader.election.enable": "true", "cleanup.policy": "compact",
		"retention.ms": "604800000", "retention.bytes": "1073741824", "max.message.bytes": "1000000"}
	h.Create("theirs", 1, bad)
	theirs := h.Open(t, "theirs", settings)
	defer theirs.Close()
	flaws, err := theirs.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, f := range flaws {
		said.WriteString(f.String() + "\n")
	}
	for setting, value := range bad {
		if !strings.Contains(said.String(), setting+" is "+value+", want ") {
			t.Errorf("%s is not named in:\n%s", setting, said.String())
		}
	}

	none := h.Open(t, "none", settings)
	defer none.Close()
	if _, err := none.Survey(t.Context()); err == nil {
		t.Error("a topic that is not there was surveyed")
	}
}
