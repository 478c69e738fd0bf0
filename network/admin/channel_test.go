package admin_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// lines decodes JSON objects, one per line.
func lines(t *testing.T, text string) (all []line) {
	t.Helper()
	for l := range strings.Lines(text) {
		var one line
		checktest.Must(t, json.Unmarshal([]byte(l), &one))
		all = append(all, one)
	}
	return all
}

type line struct {
	Offset int64
	Kind   string
	Detail string
	Block  *uint64
}

// Records are listed with the blocks of an orderer, or without blocks if no orderer is named.
func TestTopic(t *testing.T) {
	s := newSecured(t)
	channel := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 3)
	args := []string{"topic", "mine", "--config", s.config(orderer), "--json"}
	read := channel.Serve(t, channel.Blocks())
	all := lines(t, admintest.Runs(t, command.ExitFine, nil, append(args, read...)...))
	if len(all) != 4 || all[0].Kind != "description" || all[3].Kind != "NORMAL" || all[3].Block == nil || *all[3].Block != 3 {
		t.Errorf("got %+v", all)
	}
	all = lines(t, admintest.Runs(t, command.ExitFine, nil, append(args, "--limit", "2")...))
	if len(all) != 2 || all[1].Kind != "NORMAL" || all[1].Block != nil {
		t.Errorf("without an orderer: %+v", all)
	}
	admintest.Runs(t, command.ExitFine, []string{"OFFSET  RECORD", "description"}, "topic", "mine", "--config", s.config(orderer))
}

// Blocks are equal, or the first that is not is named.
func TestVerify(t *testing.T) {
	s := newSecured(t)
	channel := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 3)
	admintest.Runs(t, command.ExitFine, []string{"channel mine: 4 blocks are equal on 127.0.0.1:"}, append([]string{"verify", "mine"}, channel.Serve(t, channel.Blocks(), channel.Blocks())...)...)

	other := channel.Blocks()
	other.Change(2, func(b *cb.Block) {
		b.Data.Data = [][]byte{[]byte("other")}
		b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	})
	args := append([]string{"verify", "mine"}, channel.Serve(t, channel.Blocks(), other)...)
	admintest.Runs(t, command.ExitRefused, []string{"channel mine differs at block 2"}, args...)
	out := admintest.Runs(t, command.ExitRefused, nil, append(args, "--json")...)
	var v admin.Verified
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Blocks != 2 || v.Difference == nil || v.Difference.Block != 2 || v.Difference.Headers[0] == v.Difference.Headers[1] {
		t.Errorf("%+v, %v", v, err)
	}
}

// writes appends records to a channel's topic as any client of Kafka.
func (s *secured) writes(channel string, values ...[]byte) {
	s.t.Helper()
	topic, err := s.consenter().OpenTopic(nil, channel, 1<<20)
	checktest.Must(s.t, err)
	defer topic.Close()
	checktest.Must(s.t, topic.Create(s.t.Context()))
	for _, v := range values {
		checktest.Must(s.t, topic.Append(s.t.Context(), v))
	}
}

// A channel of in-tree orderers is described as strict, unless one of them was seen.
func TestUpgradeRules(t *testing.T) {
	s := newSecured(t)
	old := admintest.NewChannel(t, s.consenter(), "old", s.Addresses(), 2)
	args := append([]string{"upgrade-rules", "old", "--config", s.config(orderer)}, old.Serve(t, old.Blocks())...)
	described := func() (strict int) {
		for _, l := range lines(t, admintest.Runs(t, command.ExitFine, nil, "topic", "old", "--config", s.config(orderer), "--json")) {
			if l.Kind == "description" && strings.Contains(l.Detail, record.RuleSet_RULE_SET_STRICT.String()) {
				strict++
			}
		}
		return strict
	}
	admintest.Runs(t, command.ExitFine, []string{"could be described as strict", "0 by another client"}, append(args, "--dry-run")...)
	if described() != 0 {
		t.Error("a dry run has described the topic")
	}
	connect, err := record.Encode(record.NewConnect(nil))
	checktest.Must(t, err)
	s.writes("old", connect)
	admintest.Runs(t, command.ExitRefused, []string{"were not written by an orderer of ours, for instance connect at offset", "among the last thousand and those of the last 10m0s"}, args...)
	if described() != 0 {
		t.Error("a refusal has described the topic")
	}
	out := admintest.Runs(t, command.ExitFine, nil, append(args, "--force", "--json")...)
	if described() != 1 || !strings.Contains(out, `"byOtherWriters": 1`) || !strings.Contains(out, `"described": true`) {
		t.Errorf("%d descriptions: %s", described(), out)
	}

	strict := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 1)
	admintest.Runs(t, command.ExitRefused, []string{"is read by the strict rules already"},
		append([]string{"upgrade-rules", "mine", "--config", s.config(orderer)}, strict.Serve(t, strict.Blocks())...)...)
}

// A topic that was recreated is not the one that the ledgers were made from: nothing is appended to it.
func TestUpgradeRulesOfAnotherTopic(t *testing.T) {
	s := newSecured(t)
	old := admintest.NewChannel(t, s.consenter(), "old", s.Addresses(), 2)
	args := append([]string{"upgrade-rules", "old", "--config", s.config(orderer)}, old.Serve(t, old.Blocks())...)
	s.admin(func(a sarama.ClusterAdmin) error { return a.DeleteTopic("old") })
	s.writes("old")
	admintest.Runs(t, command.ExitRefused, []string{"name the brokers"}, args...)
	if left := s.values("old"); len(left) != 0 {
		t.Errorf("the topic has %d records", len(left))
	}
}

// An orderer that has not joined the channel has no say in it.
func TestUpgradeRulesWithAnOrdererWithoutTheChannel(t *testing.T) {
	s := newSecured(t)
	old := admintest.NewChannel(t, s.consenter(), "old", s.Addresses(), 2)
	args := append([]string{"upgrade-rules", "old", "--dry-run", "--config", s.config(orderer)}, old.Serve(t, old.Blocks())...)
	stranger := orderertest.Start(t, "another", orderertest.NewLedger([]byte("genesis")), nil)
	ca := 1 + slices.Index(args, "--cafile")
	var both []byte
	for _, file := range []string{args[ca], stranger.CA} {
		text, err := os.ReadFile(file)
		checktest.Must(t, err)
		both = append(both, text...)
	}
	args[ca] = s.write("both.pem", string(both))
	admintest.Runs(t, command.ExitFine, []string{"could be described as strict"}, append(args, "--orderer", stranger.Address)...)
}

// values are the records of a topic.
func (s *secured) values(channel string) (all [][]byte) {
	s.t.Helper()
	topic, err := s.consenter().OpenTopic(nil, channel, 1<<20)
	checktest.Must(s.t, err)
	defer topic.Close()
	bounds, err := topic.Bounds(s.t.Context())
	checktest.Must(s.t, err)
	reader, err := topic.Read(s.t.Context(), bounds.Start)
	checktest.Must(s.t, err)
	defer reader.Close()
	for next := bounds.Start; next < bounds.End; next++ {
		r, err := reader.Next(s.t.Context())
		checktest.Must(s.t, err)
		all = append(all, r.Value)
	}
	return all
}

// A topic that was moved is accepted with its records, and not with others.
func TestRepin(t *testing.T) {
	s := newSecured(t)
	channel := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 3)
	args := append([]string{"repin", "mine", "--config", s.config(orderer)}, channel.Serve(t, channel.Blocks(), channel.Blocks())...)
	admintest.Runs(t, command.ExitFine, []string{"there is nothing to do"}, args...)

	values := s.values("mine")
	s.Recreate("mine")
	s.writes("mine", values[:len(values)-1]...)
	admintest.Runs(t, command.ExitRefused, []string{"ends at offset"}, args...)
	s.writes("mine", []byte("another"))
	admintest.Runs(t, command.ExitRefused, []string{"is not the log that the ledger was made from"}, args...)

	s.Recreate("mine")
	s.writes("mine", values...)
	out := admintest.Runs(t, command.ExitFine, nil, append(args, "--json")...)
	var r admin.Repinned
	checktest.Must(t, json.Unmarshal([]byte(out), &r))
	if !r.Needed || r.Entry != "mine="+r.TopicID || len(r.Orderers) != 2 || r.Orderers[0].From == r.TopicID || log.Offset(r.Orderers[0].Next) != log.Offset(len(values)) {
		t.Errorf("got %+v", r)
	}
	admintest.Runs(t, command.ExitFine, []string{"  " + r.Entry + "\n", "Then restart 127.0.0.1:"}, args...)
}

// repinned runs repin.
func repinned(t *testing.T, args []string) (r admin.Repinned, text string) {
	t.Helper()
	checktest.Must(t, json.Unmarshal([]byte(admintest.Runs(t, command.ExitFine, nil, append(args, "--json")...)), &r))
	return r, admintest.Runs(t, command.ExitFine, nil, args...)
}

// Where in-tree orderers began a topic, blocks name no topic id: an orderer accepts a moved topic without a setting.
func TestRepinOfBlocksWithoutTopicID(t *testing.T) {
	s := newSecured(t)
	connect, err := record.Encode(record.NewConnect(nil))
	checktest.Must(t, err)
	s.writes("old", connect)
	old := admintest.NewChannel(t, s.consenter(), "old", s.Addresses(), 2)
	args := append([]string{"repin", "old", "--config", s.config(orderer)}, old.Serve(t, old.Blocks(), old.Blocks())...)
	values := s.values("old")
	s.Recreate("old")
	s.writes("old", values...)
	r, text := repinned(t, args)
	if r.Needed || strings.Contains(text, "id was  and") || !strings.Contains(text, "its last block names no topic id") || !strings.Contains(text, "restart those that have stopped") {
		t.Errorf("%+v\n%s", r, text)
	}
}

// Orderers without an ordered block have nothing to compare. The description in a topic that was moved still names the
// old one, which stops them.
func TestRepinBeforeAnythingIsOrdered(t *testing.T) {
	s := newSecured(t)
	channel := admintest.NewChannel(t, s.consenter(), "mine", s.Addresses(), 1)
	genesis := orderertest.LedgerOf(channel.Ledger.Block(0))
	args := append([]string{"repin", "mine", "--config", s.config(orderer)}, channel.Serve(t, genesis)...)
	r, text := repinned(t, args)
	if r.Needed || strings.Contains(text, "expect") || !strings.Contains(text, "no orderer has ordered anything yet") {
		t.Errorf("%+v\n%s", r, text)
	}
	values := s.values("mine")
	s.Recreate("mine")
	r, text = repinned(t, args)
	if r.Needed || !strings.Contains(text, "no orderer has ordered anything yet") {
		t.Errorf("an empty topic: %+v\n%s", r, text)
	}
	s.writes("mine", values...)
	r, text = repinned(t, args)
	if !r.Needed || !strings.Contains(text, "its first record describes it as "+r.Described) || !strings.Contains(text, "  "+r.Entry+"\n") {
		t.Errorf("a moved topic: %+v\n%s", r, text)
	}
}
