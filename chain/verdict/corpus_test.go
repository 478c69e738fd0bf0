package verdict

import (
	"encoding/gob"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// corpus is what the judges of all lines are given: bytes, since no two lines can be
// linked into one program.
type corpus struct {
	Channels  []given
	Questions []question
}

// given is a channel: its genesis block, and the identity that its orderer signs with.
type given struct {
	Name             string
	Genesis          []byte
	MSP              string
	Certificate, Key []byte // PEM
}

// question is an envelope of a channel, and how it is judged.
type question struct {
	Name     string
	Channel  int // index
	Class    machine.Class
	Envelope []byte
}

// write saves a corpus for another process.
func (c *corpus) write(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewEncoder(f).Encode(c); err != nil {
		t.Fatal(err)
	}
}

func readCorpus(file string) (*corpus, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &corpus{}
	return c, gob.NewDecoder(f).Decode(c)
}

// value returns the value of a record of the envelope, which was appended under a
// config sequence.
func (q question) value(seq machine.ConfigSeq) []byte {
	class := record.Regular_NORMAL
	if q.Class == machine.Config {
		class = record.Regular_CONFIG
	}
	value, err := record.Encode(record.NewRegular(q.Envelope, uint64(seq), class))
	if err != nil {
		panic(err) // whatever the envelope is, this cannot fail
	}
	return value
}

// inForce are the changes, of those of changes, that the channels of a corpus have in
// force: each is one on which lines may differ, or which another change depends on.
var inForce = [][]string{{"size"}, {"only V3_0"}, {"maintenance"}, {"shared"}, {"underscore"}, {"no endpoints"}, {"addresses"}, {"only V3_0", "addresses"},
	{"only V3_0", "no endpoints"}, {"only application V9_9"}, {"RSA administrator"}, {"RSA authority"}, {"a field of the MSP"}}

// collector fills a corpus.
type collector struct {
	*corpus
	random *rand.Rand
}

// newCorpus generates a corpus, with this many mutants for each channel. The choices are the
// same each time; keys and signatures are not.
func newCorpus(t *testing.T, mutants int) *corpus {
	g := collector{&corpus{}, rand.New(rand.NewPCG(19, 2))}
	for i, state := range inForce {
		c := g.channel(t, state)
		all := changes(c)
		if i < 2 {
			maps.Copy(all, moreChanges(c))
		}
		g.changed(c, all)
		g.mutated(c, all, mutants)
		g.normals(c, mutants/2)
	}
	return g.corpus
}

// smallCorpus generates the first channel of a corpus, without mutants.
func smallCorpus(t *testing.T) *corpus {
	g := collector{&corpus{}, rand.New(rand.NewPCG(19, 2))}
	c := g.channel(t, inForce[0])
	g.changed(c, changes(c))
	g.normals(c, 0)
	return g.corpus
}

// channel adds a channel that has changes in force.
func (g *collector) channel(t *testing.T, state []string) *realChannel {
	c := newRealChannel(t)
	for _, name := range state {
		changes(c)[name](c.config.ChannelGroup)
	}
	g.Channels = append(g.Channels, given{
		Name: strings.Join(state, ", "), Genesis: protoutil.MarshalOrPanic(c.blockOf(c.config)), MSP: "OrgMSP", Certificate: c.admin.Cert, Key: c.admin.Key,
	})
	return c
}

// changed asks about each change.
func (g *collector) changed(c *realChannel, all map[string]func(*fabric.ConfigGroup)) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		g.config(c, name, true, all[name])
	}
}

// mutated asks about two changes at once, about mutants of what a change leads to, and about
// mutants of the bytes of its envelope.
func (g *collector) mutated(c *realChannel, all map[string]func(*fabric.ConfigGroup), mutants int) {
	names := slices.Sorted(maps.Keys(all))
	pick := func() string { return names[g.random.IntN(len(names))] }
	for range mutants {
		first, second, third, fourth := pick(), pick(), pick(), pick()
		g.config(c, first+" and "+second, g.random.IntN(10) > 0, all[first], all[second])
		g.config(c, third+", mutated", true, all[third], g.mutation(2))
		g.bytes(c, fourth, all)
	}
}

// config asks about the config that changes lead to, unless they cannot be combined.
func (g *collector) config(c *realChannel, name string, signed bool, changes ...func(*fabric.ConfigGroup)) {
	next := c.clone()
	if !applied(next, changes) {
		return
	}
	g.ask(name, machine.Config, protoutil.MarshalOrPanic(c.update(next, signed)))
}

// applied applies changes to a config, and reports whether they found what they change.
func applied(config *fabric.Config, changes []func(*fabric.ConfigGroup)) (ok bool) {
	defer func() { ok = recover() == nil }()
	for _, change := range changes {
		change(config.ChannelGroup)
	}
	return true
}

func (g *collector) ask(name string, class machine.Class, envelope []byte) {
	g.Questions = append(g.Questions, question{name, len(g.Channels) - 1, class, envelope})
}

// stable serializes a message in the same way each time.
func stable(m fabric.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(fabric.Reflect(m).Interface())
	if err != nil {
		panic(err)
	}
	return b
}

// blockOf returns a genesis block with a config.
func (c *realChannel) blockOf(config *fabric.Config) *fabric.Block {
	e := c.envelope(cb.HeaderType_CONFIG, &fabric.ConfigEnvelope{Config: config})
	b := protoutil.NewBlock(0, nil)
	b.Data.Data = [][]byte{protoutil.MarshalOrPanic(e)}
	b.Header.DataHash = chaintest.DataHash(b.Data.Data)
	b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = protoutil.MarshalOrPanic(&fabric.Metadata{
		Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: 0}}),
	})
	return b
}
