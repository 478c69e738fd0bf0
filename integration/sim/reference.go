package sim

import (
	"google.golang.org/protobuf/proto"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// reference is a second implementation of the strict rules: it computes the blocks of a
// whole log at once, without restarts, orderers or time. It shares no code with the
// machine.
type reference struct {
	blocks  []refBlock
	config  settings
	pending [][]byte
	bytes   int
	opaque  bool // of one that is pending
	sets    bool // of one that is pending
	known   bool // a description was read
	left    int  // offset of the config with which the channel left; -1 if it did not
	read    func([]byte) (content, bool)
	dropped map[int]bool // offsets of well-formed envelopes that were invalid at their place
}

type refBlock struct {
	envelopes [][]byte
	at        int64
	config    bool
	level     int // of a config: the level that it asks orderers to support
}

func newReference(log [][]byte, read func([]byte) (content, bool)) *reference {
	r := &reference{read: read, config: firstSettings(), blocks: make([]refBlock, 1), dropped: map[int]bool{}, left: -1}
	for at, value := range log {
		m := &record.Message{}
		if proto.Unmarshal(value, m) != nil {
			continue
		}
		switch {
		case m.GetConnect() != nil:
			d := &record.Description{}
			r.known = r.known || len(m.GetConnect().Payload) > 0 && proto.Unmarshal(m.GetConnect().Payload, d) == nil
		case m.GetTimeToCut() != nil && r.known && r.left < 0:
			if m.GetTimeToCut().BlockNumber == uint64(len(r.blocks)) {
				r.cut(int64(at))
			}
		case r.left >= 0 && m.GetRegular() != nil:
			r.dropped[at] = true // nobody reads it
		case m.GetRegular() != nil && r.known:
			r.envelope(int64(at), m.GetRegular())
		}
	}
	return r
}

// cut makes a block of the pending envelopes.
func (r *reference) cut(at int64) {
	if len(r.pending) > 0 {
		r.blocks = append(r.blocks, refBlock{envelopes: r.pending, at: at})
		r.pending, r.bytes, r.opaque, r.sets = nil, 0, false, false
	}
}

func (r *reference) envelope(at int64, m *record.Regular) {
	c, ok := r.read(m.Payload)
	limits := r.config.batch()
	if !ok || c.size == 0 || c.channel != channelID {
		return
	}
	if c.size > int(limits.AbsoluteMaxBytes) {
		r.dropped[int(at)] = true
		return
	}
	if m.Class == record.Regular_CONFIG && c.kind == fabric.TypeConfig {
		r.configEnvelope(at, m, c)
		return
	}
	if m.Class != record.Regular_NORMAL || c.kind == fabric.TypeConfig || c.kind == fabric.TypeConfigUpdate || c.kind == fabric.TypeOrdererTransaction {
		return
	}
	if m.ConfigSeq != r.config.seq && r.config.allows(c) != nil {
		r.dropped[int(at)] = true
		return
	}
	r.normal(at, m.Payload, c, limits)
}

func (r *reference) configEnvelope(at int64, m *record.Regular, c content) {
	if m.ConfigSeq < r.config.seq {
		return
	}
	next, err := r.config.becomes(c)
	if err != nil {
		return
	}
	r.cut(at - 1)
	r.blocks = append(r.blocks, refBlock{envelopes: [][]byte{m.Payload}, at: at, config: true, level: next.level})
	r.config = next
	if next.left() {
		r.left = int(at)
	}
}

// normal adds an envelope to the pending ones, and cuts when they are full.
func (r *reference) normal(at int64, b []byte, c content, limits machine.Limits) {
	if !c.opaque && (r.opaque || r.sets && c.writes) {
		r.cut(at - 1)
	}
	preferred, size := int(limits.PreferredMaxBytes), c.size
	if size > preferred || r.bytes+size > preferred {
		r.cut(at - 1)
	}
	r.pending, r.bytes = append(r.pending, b), r.bytes+size
	r.opaque, r.sets = r.opaque || c.opaque, r.sets || c.sets
	if size > preferred || len(r.pending) >= int(limits.MaxMessageCount) {
		r.cut(at)
	}
}
