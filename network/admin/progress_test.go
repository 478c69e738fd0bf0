package admin_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// ledgerHash returns the hash of a block of a ledger that forked from others at a block.
func ledgerHash(number, forkedAt uint64) log.BlockHash {
	header := bytes.Repeat([]byte{byte(number)}, 32)
	if number >= forkedAt {
		header[0] ^= 0xff
	}
	return log.NewBlockHash(number, header)
}

// hashed returns what an orderer publishes if its ledger ends at a block and forked at another.
func hashed(name string, last, forkedAt uint64) log.Progress {
	p := log.Progress{Member: "fabric-orderer." + name, Next: 7, Block: last, At: time.Now(), Rules: "strict", ConfigSeq: 2, Config: "abc"}
	for _, n := range log.Checkpoints(last) {
		p.Hashes = append(p.Hashes, ledgerHash(n, forkedAt))
	}
	return p
}

const never = 1 << 40 // where a ledger forks that never does

// progressReport is what progress prints as JSON.
type progressReport struct {
	Orderers []struct {
		Orderer, Hash, Rules string
		Block                uint64
		NextOffset           int64
		PublishedAt          string
		AgeSeconds           int64
	}
	ComparedPairs  int
	Contradictions []struct {
		Orderers, Hashes []string
		Block            uint64
	}
	WithoutHashes []string
}

// progressOf runs the command as a table and as JSON.
func progressOf(t *testing.T, code int, config string) (r progressReport, table string) {
	t.Helper()
	table = admintest.Runs(t, code, nil, "progress", "mine", "--config", config)
	out := admintest.Runs(t, code, nil, "progress", "mine", "--config", config, "--json")
	checktest.Must(t, json.Unmarshal([]byte(out), &r))
	return r, table
}

// filled makes the topic of the channel mine with twenty records.
func (s *secured) filled() {
	s.t.Helper()
	topic, err := s.consenter().OpenTopic(nil, "mine", 1<<20)
	checktest.Must(s.t, err)
	defer topic.Close()
	checktest.Must(s.t, topic.Create(s.t.Context()))
	for range 20 {
		checktest.Must(s.t, topic.Append(s.t.Context(), []byte("value")))
	}
}

// Orderers at different heights are compared by what they publish alone.
func TestProgress(t *testing.T) {
	s := newSecured(t)
	s.filled()
	config := s.config(orderer)
	admintest.Runs(t, command.ExitRefused, []string{"no orderer has published"}, "progress", "mine", "--config", config)
	admintest.Runs(t, command.ExitRefused, []string{"does not exist"}, "progress", "none", "--config", config)

	s.publishes("mine", hashed("Org.a", 100, never), hashed("Org.b", 97, never), hashed("Org.c", 33, never))
	r, table := progressOf(t, command.ExitFine, config)
	if len(r.Orderers) != 3 || r.ComparedPairs != 3 || len(r.Contradictions)+len(r.WithoutHashes) != 0 {
		t.Errorf("got %+v", r)
	}
	if b := r.Orderers[1]; b.Orderer != "Org.b" || b.Block != 97 || b.Hash != ledgerHash(97, never).Hash || b.NextOffset != 7 || b.Rules != "strict" || b.PublishedAt == "" || b.AgeSeconds > 600 {
		t.Errorf("got %+v", b)
	}
	if !strings.Contains(table, "3 of 3 pairs of orderers compared, 0 contradict each other") || !strings.Contains(table, ledgerHash(33, never).Hash) {
		t.Errorf("table:\n%s", table)
	}

	s.publishes("mine", hashed("Org.b", 99, 60)) // it shares 96 and 80 with a, and 0 and 16 with c
	r, table = progressOf(t, command.ExitRefused, config)
	if len(r.Contradictions) != 1 || r.ComparedPairs != 3 || r.Contradictions[0].Block != 80 ||
		!slices.Equal(r.Contradictions[0].Hashes, []string{ledgerHash(80, never).Hash, ledgerHash(80, 60).Hash}) {
		t.Errorf("got %+v", r)
	}
	if !strings.Contains(table, "Org.a and Org.b: block 80") {
		t.Errorf("table:\n%s", table)
	}
}

// What another client has committed is shown without control characters, and an orderer that
// publishes no hashes is not compared.
func TestProgressOfAnotherClient(t *testing.T) {
	s := newSecured(t)
	s.filled()
	old := hashed("Org.old", 20, never)
	old.Hashes = nil
	red := hashed("Org.red", 20, never)
	red.Rules = "strict\x1b[31m"
	garbage := hashed("Org.z", 20, never)
	garbage.Config, garbage.Hashes = "abc hashes=20:zz,,:", nil
	reset := log.Progress{Member: "fabric-orderer.Org.reset", Next: 3}
	s.publishes("mine", hashed("Org.a", 20, never), old, hashed("Org.\x1b[2Jx", 20, never), red, garbage, reset)
	r, table := progressOf(t, command.ExitFine, s.config(orderer))
	if len(r.Orderers) != 6 || r.ComparedPairs != 1 || !slices.Equal(r.WithoutHashes, []string{"Org.old", "Org.red", "Org.reset", "Org.z"}) {
		t.Errorf("got %+v", r)
	}
	if strings.ContainsRune(table, 0x1b) || !strings.Contains(table, "1 of 15 pairs") || !strings.Contains(table, "Org.old publishes no hashes") {
		t.Errorf("table:\n%q", table)
	}
}

// Exit code 0 means that blocks were compared and are equal. What could not be compared is not equal.
func TestProgressOfWhatCannotBeCompared(t *testing.T) {
	s := newSecured(t)
	s.filled()
	config := s.config(orderer)
	s.publishes("mine", hashed("Org.a", 20, never))
	_, table := progressOf(t, command.ExitFine, config)
	if !strings.Contains(table, "only Org.a has published: there is nothing to compare its blocks with") {
		t.Errorf("table:\n%s", table)
	}

	b := hashed("Org.b", 20, never)
	b.Hashes = nil
	s.publishes("mine", b)
	admintest.Runs(t, command.ExitRefused, []string{"Org.b publishes no hashes", "no two of the 2 orderers that have published could be compared", "osnkafka verify"}, "progress", "mine", "--config", config)

	s.publishes("mine", hashed("Org.b", 20, never), hashed("Org.c", 20, never))
	args := []string{"progress", "mine", "--config", config, "--timeout", "20s"}
	fault := s.Fault(kafkatest.Fault{Key: kafkatest.KeyOffsetFetch, Topic: "mine", Code: kafkatest.CodeTimedOut, Count: 1})
	defer fault.Remove()
	admintest.Runs(t, command.ExitUnreachable, []string{"1 of 1 pairs of orderers compared", "not all orderers' progress could be read", "group fabric-orderer.Org."}, args...)
}
