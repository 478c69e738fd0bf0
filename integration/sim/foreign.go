package sim

import (
	"bytes"
	"fmt"
	"math"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// playForeign writes as a foreign writer with write access to the topic may.
func (w *World) playForeign(o *Orderer, a Action) {
	if w.end() == 0 {
		return // whoever writes first describes the topic: not part of these worlds
	}
	switch a.Verb {
	case Repeat:
		if at := w.at(a.A % 1000); at < w.end() {
			w.write(w.values()[at])
		}
	case Stray:
		number := uint64(int64(o.ledger.height()) + int64(a.A))
		if a.A == strayMax {
			number = math.MaxUint64
		}
		w.write(must(record.Encode(record.NewTimeToCut(number))))
	case Forge:
		w.forge(o, a)
	}
}

// strayMax stands for the greatest block number.
const strayMax = 1000

// write appends a record as a foreign writer, and counts the envelope in it.
func (w *World) write(value []byte) {
	if m, err := record.Decode(value); err == nil && m.GetRegular() != nil {
		w.injected[string(m.GetRegular().Payload)]++
	}
	w.broker.Write(channelID, bytes.Clone(value))
}

// inject appends an envelope as a record of class NORMAL.
func (w *World) inject(e *fabric.Envelope, seq uint64) {
	w.write(must(record.Encode(record.NewRegular(must(fabric.Marshal(e)), seq, record.Regular_NORMAL))))
}

// forge writes one of the [forgeries], with any claim about it.
func (w *World) forge(o *Orderer, a Action) {
	f := forgeries[a.A%len(forgeries)]
	w.write(f(w, o, uint64(int64(o.ledger.config().seq)+int64(a.B)), a.C))
}

type forgery func(w *World, o *Orderer, seq uint64, n int) []byte

var forgeries = []forgery{
	func(*World, *Orderer, uint64, int) []byte { return nil },
	func(*World, *Orderer, uint64, int) []byte { return []byte{} },
	func(_ *World, _ *Orderer, _ uint64, n int) []byte { return bytes.Repeat([]byte{byte(n), 0xff}, 1+n%20) },
	func(*World, *Orderer, uint64, int) []byte { return must(record.Encode(record.NewConnect(nil))) },
	func(_ *World, _ *Orderer, _ uint64, n int) []byte {
		return must(record.Encode(record.NewConnect([]byte{8, byte(n)})))
	},
	func(w *World, o *Orderer, _ uint64, n int) []byte { return w.describing(o, n) },
	func(w *World, o *Orderer, _ uint64, n int) []byte { return w.describing(o, n) },
	func(_ *World, _ *Orderer, seq uint64, n int) []byte { // no envelope
		return forgedRecord([]byte{0xff, byte(n)}, seq, record.Regular_Class(n%4), 0)
	},
	func(_ *World, _ *Orderer, seq uint64, n int) []byte { // an envelope without a header
		return forgedRecord(must(fabric.Marshal(&fabric.Envelope{Payload: []byte{byte(n)}})), seq, 1, 0)
	},
	func(_ *World, _ *Orderer, seq uint64, n int) []byte { // an empty payload
		return forgedRecord(nil, seq, record.Regular_Class(n%3), 0)
	},
	func(w *World, _ *Orderer, seq uint64, n int) []byte { // another channel's
		return forgedRecord(must(fabric.Marshal(sealed("other", typeNormal, 0, expiryNone, w.label(n)))), seq, 1, 0)
	},
	func(w *World, _ *Orderer, seq uint64, n int) []byte { // a valid envelope, any class and original offset
		e := normal(n%clients, expiryNone, string(w.label(n)), n%90)
		return forgedRecord(must(fabric.Marshal(e)), seq, record.Regular_Class(n%5), []int64{0, 1, -1, int64(n), math.MaxInt64}[n%5])
	},
	func(w *World, _ *Orderer, seq uint64, n int) []byte { // too large
		e := normal(0, expiryNone, string(w.label(n)), 1500)
		return forgedRecord(must(fabric.Marshal(e)), seq, 1, 0)
	},
	func(w *World, o *Orderer, seq uint64, n int) []byte { // a config of any class and sequence
		w.updates++
		key := keys[n%len(keys)]
		u := &update{w.updates, key, o.ledger.config().versions[slot(key)] + n%2, n}
		return forgedRecord(must(fabric.Marshal(configured(u, o.ledger.config().seq+uint64(n/2%3)-1, 9))), seq, record.Regular_Class(1+n%2), 0)
	},
	func(w *World, _ *Orderer, seq uint64, n int) []byte { // a config without an update
		return forgedRecord(must(fabric.Marshal(sealed(channelID, fabric.TypeConfig, 0, 0, w.label(n)))), seq, 2, 0)
	},
	func(w *World, _ *Orderer, seq uint64, n int) []byte { // types that are never ordered
		kind := []int32{fabric.TypeConfigUpdate, fabric.TypeOrdererTransaction}[n%2]
		return forgedRecord(must(fabric.Marshal(sealed(channelID, kind, 0, expiryNone, w.label(n)))), seq, record.Regular_Class(1+n%2), 0)
	},
}

// label returns a unique text for a foreign envelope.
func (w *World) label(n int) []byte {
	return fmt.Appendf(nil, "f%d-%d", w.end(), n)
}

func forgedRecord(payload []byte, seq uint64, class record.Regular_Class, original int64) []byte {
	m := record.NewRegular(payload, seq, class)
	m.GetRegular().OriginalOffset = original
	return must(record.Encode(m))
}

// describing returns our description of the topic, except for the field that n selects.
func (w *World) describing(o *Orderer, n int) []byte {
	start, err := o.ledger.start()
	if err != nil {
		start.Channel, start.GenesisHash = channelID, []byte("genesis")
	}
	rules, id := machine.Strict, must(w.client.Identity(nilContext))
	switch n % 6 {
	case 1:
		start.Channel = "other"
	case 2:
		start.GenesisHash = []byte("another")
	case 3:
		rules = machine.Compatible
	case 4:
		rules = 7
	case 5:
		id.TopicID = "another topic"
	}
	return must(session.DescriptionRecord(start, rules, id))
}
