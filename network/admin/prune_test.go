package admin_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/prune"
)

// block writes the config block of a channel with orderers at these hosts.
func block(t *testing.T, channel string, hosts ...string) string {
	t.Helper()
	return admintest.Written(t, "config.block", protoutil.MarshalOrPanic(admintest.ConfigBlock(channel, []string{"none:9092"}, hosts...)))
}

// at returns what an orderer with the config of hosts publishes if it needs an offset next.
func at(t *testing.T, channel, name string, next log.Offset, rules string, hosts ...string) log.Progress {
	t.Helper()
	config, err := prune.ChannelOf(admintest.ConfigBlock(channel, []string{"none:9092"}, hosts...))
	checktest.Must(t, err)
	return log.Progress{Member: admintest.Groups + name, Next: next, Block: 3, At: time.Now(), Rules: rules, ConfigSeq: config.ConfigSeq, Config: config.Config}
}

// starts fails the test unless the topic starts at that offset.
func (s *secured) starts(channel string, want log.Offset) {
	s.t.Helper()
	topic, err := s.consenter().OpenTopic(nil, channel, 1<<20)
	checktest.Must(s.t, err)
	defer topic.Close()
	if b, err := topic.Bounds(s.t.Context()); err != nil || b.Start != want {
		s.t.Errorf("the topic has %v, %v, want it to start at %d", b, err, want)
	}
}

// pruner returns the orderer.yaml of the user who may prune.
func (s *secured) pruner() string {
	s.t.Helper()
	for _, r := range admintest.Rights()["prune"] {
		s.grant("prune", r)
	}
	return s.config("prune")
}

// A topic on brokers that require a password is pruned by whoever has it, and by nobody else.
func TestPrune(t *testing.T) {
	s := newSecured(t)
	s.filled()
	s.publishes("mine", at(t, "mine", "Org.a", 18, "strict", "a", "b"), at(t, "mine", "Org.b", 15, "strict", "a", "b"))
	args := []string{"prune", "mine", "--config", s.pruner(), "--config-block", block(t, "mine", "a", "b"), "--member", "Org.a", "--member", "Org.b", "--keep", "5"}
	admintest.Runs(t, command.ExitFine, []string{"10 records, offsets 0 to 9 would be deleted"}, append(args, "--dry-run")...)
	s.starts("mine", 0)
	out := admintest.Runs(t, command.ExitFine, nil, append(args, "--json")...)
	var r struct {
		Below, Records int64
		Deleted        bool
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Below != 10 || r.Records != 10 || !r.Deleted { // b needs 15 next, and 5 are kept below
		t.Errorf("%+v, %v: %s", r, err, out)
	}
	s.starts("mine", 10)
	admintest.Runs(t, command.ExitFine, []string{"there is nothing to delete: the topic starts at offset 10, and fabric-orderer.Org.b needs those from 15 on"}, args...)

	s.write("password", "another\n")
	admintest.Runs(t, command.ExitUnreachable, []string{"during login"}, args...)
}

// What is missing is listed, as JSON too, and nothing is deleted.
func TestPruneWithoutProof(t *testing.T) {
	s := newSecured(t)
	s.filled()
	pruner := s.pruner()
	s.publishes("mine", at(t, "mine", "Org.a", 18, "strict", "a", "b"), at(t, "mine", "Org.b", 15, "compatible", "a", "b"))
	refuses := func(says, block string, args ...string) {
		t.Helper()
		admintest.Runs(t, command.ExitRefused, []string{"nothing is deleted", says}, append([]string{"prune", "--config", pruner, "--config-block", block, "--member", "Org.a"}, args...)...)
	}
	both := block(t, "mine", "a", "b")
	refuses("orderer Org.b has published for this channel and is not named: add --member Org.b", both)
	refuses("orderer Org.b reads by the compatible rules", both, "--member", "Org.b")
	refuses("--without Org.c: no member of exactly this name", both, "--without", "Org.c")
	refuses("Org.a has another config of sequence 2", block(t, "mine", "a"))
	refuses("address d:7050 of organization Org", block(t, "mine", "a", "b", "d"), "--member", "Org.b")
	admintest.Runs(t, command.ExitUsage, []string{`the config block is of channel "yours", not "mine"`}, "prune", "mine", "--config", pruner, "--config-block", block(t, "yours", "a"))

	out := admintest.Runs(t, command.ExitRefused, nil, "prune", "--json", "--config", pruner, "--config-block", both, "--member", "Org.a", "--member", "Org.b")
	var r struct {
		Refused  []string
		Orderers []struct{ Orderer string }
		Deleted  bool
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Refused) != 1 || len(r.Orderers) != 2 || r.Deleted {
		t.Errorf("%+v, %v: %s", r, err, out)
	}
	s.starts("mine", 0)
}

// Blocks of orderers prove what was published, or contradict what another client has committed.
func TestPruneByBlocks(t *testing.T) {
	s := newSecured(t)
	channel := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 6)
	args := append([]string{"prune", "mine", "--config", s.pruner(), "--member", "Org.orderer1", "--member", "Org.orderer2", "--keep", "1"},
		channel.Serve(t, channel.Blocks())...)
	true1, true2 := channel.Progress(t, "Org.orderer1"), channel.Progress(t, "Org.orderer2")
	forged := func(change func(p *log.Progress)) log.Progress {
		p := true2
		p.Hashes = slices.Clone(p.Hashes)
		change(&p)
		return p
	}
	for says, p := range map[string]log.Progress{
		"that block at":                   forged(func(p *log.Progress) { p.Block--; p.Hashes = nil }),
		"compare their blocks with `osnk": forged(func(p *log.Progress) { p.Hashes[0].Hash = "00000000000000000000000000000000" }),
		"which none of the orderers":      forged(func(p *log.Progress) { p.Block++; p.Hashes = nil }),
	} {
		s.publishes("mine", true1, p)
		admintest.Runs(t, command.ExitRefused, []string{"nothing is deleted", says}, args...)
	}
	s.starts("mine", 0)
	s.publishes("mine", true2)
	admintest.Runs(t, command.ExitFine, []string{"are deleted"}, args...)
	s.starts("mine", true2.Next-1)
}
