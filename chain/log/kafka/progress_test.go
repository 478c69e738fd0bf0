package kafka_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// commit commits an offset and metadata, as anyone with the right Read on a group can.
func commit(t *testing.T, seed, topic, group string, offset int64, text *string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(seed), kgo.MaxVersions(kversion.V3_0_0())) // later ones name topics by id
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group, r.Generation = group, -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.Metadata = offset, text
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic, of.Partitions = topic, append(of.Partitions, p)
	r.Topics = append(r.Topics, of)
	answer, err := r.RequestWith(t.Context(), c)
	if err != nil || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("commit: %v, %+v", err, answer)
	}
}

// Metadata that no orderer wrote is ignored, whatever it contains, and the other groups are
// read nevertheless.
func TestPublishedByForeignWriters(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Open(t, "ours", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	const hash = "0123456789abcdef0123456789abcdef"
	sound := log.Progress{Member: "g.z", Next: 4, Block: 3, At: time.Unix(1000, 0).UTC(), Rules: "strict", ConfigSeq: 1, Config: "ab", Hashes: []log.BlockHash{{Number: 3, Hash: hash}}}
	if err := l.Publish(t.Context(), sound); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"g.1": "", "g.2": strings.Repeat("x", 4096), "g.3": "block=3 at=1970-01-01T00:16:40Z rules=strict config=1:ab hashes=3:" + hash + ",",
		"g.4": "\x00\x1b[2J", "g.5": "hashes=3:" + hash}
	for group, text := range texts {
		commit(t, h.Address(), "ours", group, 2, &text)
	}
	commit(t, h.Address(), "ours", "g.6", 2, nil)
	all, err := l.Published(t.Context(), "g.")
	if err != nil || len(all) != len(texts)+2 {
		t.Fatalf("published %+v, %v", all, err)
	}
	for _, p := range all {
		switch hashes := len(p.Hashes); {
		case p.Member == "g.z" && (hashes != 1 || p.Hashes[0] != sound.Hashes[0] || p.Next != 4),
			p.Member != "g.z" && (hashes != 0 || p.Next != 2):
			t.Errorf("got %+v", p)
		}
	}
}

// A coordinator that is loading does not list all of its groups, and says so in its answer. An orderer that it
// hides may still need records that another does not.
func TestPublishedWhileACoordinatorLoads(t *testing.T) {
	t.Parallel()
	h := kafkatest.NewHarness(t, 1)
	l := h.Open(t, "ours", log.Settings{ReplicationFactor: 1, MaxMessageBytes: 1 << 20})
	defer l.Close()
	if err := l.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Publish(t.Context(), log.Progress{Member: "g.a", Next: 4}); err != nil {
		t.Fatal(err)
	}
	loading := h.Fault(kafkatest.Fault{Key: kafkatest.KeyListGroups, Code: kafkatest.CodeCoordinatorLoading, TopLevel: true})
	all, err := l.Published(t.Context(), "g.")
	if !errors.Is(err, sarama.ErrOffsetsLoadInProgress) || log.ClassOf(err) != log.Retryable {
		t.Errorf("published %+v, %v; want that the coordinator is loading", all, err)
	}
	var e *log.Error
	if !errors.As(err, &e) || !strings.Contains(e.Await, "coordinator") {
		t.Errorf("it awaits %+v", e)
	}
	loading.Remove()
	if all, err := l.Published(t.Context(), "g."); err != nil || len(all) != 1 {
		t.Errorf("published %+v, %v", all, err)
	}
}

// What an answer leaves out is not known.
func TestIncompleteAnswersAreErrors(t *testing.T) {
	if err := kafka.CommitResult(&sarama.OffsetCommitResponse{}, "ours"); !errors.Is(err, sarama.ErrIncompleteResponse) {
		t.Errorf("commit: %v", err)
	}
	if _, err := kafka.Committed("g.a", &sarama.OffsetFetchResponse{}, "ours"); !errors.Is(err, sarama.ErrIncompleteResponse) {
		t.Errorf("fetch: %v", err)
	}
}
